// The pool alone: every chunk once, many jobs, pools beside each other, threads when they are needed. Built plain and
// with the thread sanitizer.
#include "Pool.h"
#include "Check.h"
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sched.h>

using namespace attnc;

static int64_t threadsOfProcess() {
  auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

/// Plain integers: the sanitizer sees whether the pool orders their uses.
struct Tally {
  std::vector<int64_t> times;
  static void chunk(void *tally, int64_t i) { ++static_cast<Tally *>(tally)->times[size_t(i)]; }
  bool allAre(int64_t n) const {
    return std::all_of(times.begin(), times.end(), [&](int64_t t) { return t == n; });
  }
};

TEST(every_chunk_runs_once) {
  for (int threads : {1, 2, 3, 8}) {
    Pool pool(threads);
    for (size_t chunks : {0, 1, 2, 7, 1000}) {
      Tally tally{std::vector<int64_t>(chunks)};
      for (int job = 1; job <= 50; ++job) {
        pool.run(Tally::chunk, &tally, int64_t(chunks));
        REQUIRE(tally.allAre(job));
      }
    }
  }
}

TEST(jobs_with_sleep_between_them) {
  Pool pool(2);
  Tally tally{std::vector<int64_t>(16)};
  for (int job = 1; job <= 30; ++job) {
    pool.run(Tally::chunk, &tally, 16);
    REQUIRE(tally.allAre(job));
    std::this_thread::sleep_for(std::chrono::microseconds(job * 20));
  }
}

TEST(pools_of_several_threads_at_once) {
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      Pool pool(3);
      Tally tally{std::vector<int64_t>(64)};
      for (int job = 0; job < 200; ++job)
        pool.run(Tally::chunk, &tally, 64);
      good += tally.allAre(200);
    });
  for (auto &caller : callers)
    caller.join();
  EXPECT(good == 4);
}

TEST(threads_are_made_by_the_first_job) {
  int64_t before = threadsOfProcess();
  Pool pool(4);
  EXPECT(threadsOfProcess() == before);
  Tally tally{std::vector<int64_t>(8)};
  pool.run(Tally::chunk, &tally, 1); // nothing to share
  EXPECT(threadsOfProcess() == before);
  pool.run(Tally::chunk, &tally, 8);
  EXPECT(threadsOfProcess() == before + 3);
}

TEST(the_number_of_threads_is_the_callers) {
  EXPECT(threadCount(3) == 3);
  setenv("ATTNC_THREADS", "5", 1);
  EXPECT(threadCount(0) == 5 && threadCount(2) == 2);
  unsetenv("ATTNC_THREADS");
  EXPECT(threadCount(0) >= 1);
  cpu_set_t all, one;
  REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
  CPU_ZERO(&one);
  for (int cpu = CPU_SETSIZE; cpu-- > 0;)
    if (CPU_ISSET(cpu, &all)) {
      CPU_SET(cpu, &one);
      break;
    }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  EXPECT(threadCount(0) == 1);
  sched_setaffinity(0, sizeof all, &all);
}

/// Not a test: what a job costs.
static void measure() {
  Pool pool(2);
  Tally tally{std::vector<int64_t>(2)};
  double best = 1e9;
  for (int round = 0; round < 50; ++round) {
    auto begin = std::chrono::steady_clock::now();
    for (int job = 0; job < 2000; ++job)
      pool.run(Tally::chunk, &tally, 2);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / 2000);
  }
  std::printf("a job of two chunks on two threads: %.3f us\n", best * 1e6);
}

int main(int argc, char **argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--measure")
    return measure(), 0;
  return check::runAll();
}
