// How many threads there should be.
#include "Pool.h"
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <set>
#include <string>

namespace attnc {
namespace {

/// Physical cores among the processors that this process may run on: those that share one have the same list of siblings.
int coresInMask() {
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) != 0)
    return int(std::max(1u, std::thread::hardware_concurrency()));
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask))
      continue;
    std::string name = std::to_string(cpu), siblings;
    std::ifstream file("/sys/devices/system/cpu/cpu" + name + "/topology/thread_siblings_list");
    std::getline(file, siblings);
    cores.insert(siblings.empty() ? name : siblings);
  }
  return std::max(1, int(cores.size()));
}

/// Processors' worth of time that the process's group may use, rounded up; a large number without such a limit.
int coresInQuota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max"); // "QUOTA PERIOD" or "max PERIOD"
  int64_t quota = 0, period = 0;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0)
    return CPU_SETSIZE;
  return int(std::min<int64_t>((quota + period - 1) / period, CPU_SETSIZE));
}

} // namespace

int threadCount(int wanted) {
  if (wanted > 0)
    return wanted;
  if (const char *text = std::getenv("ATTNC_THREADS"))
    if (int given = std::atoi(text); given > 0)
      return std::min(given, 4096);
  return std::min(coresInMask(), coresInQuota());
}

} // namespace attnc
