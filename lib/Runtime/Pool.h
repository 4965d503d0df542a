// Threads that share the chunks of a kernel's loop.
//
// 1. A job is published by its fields, then `open`, then the epoch. Whoever takes part, the caller too, takes the
//    next chunk until none is left.
// 2. A worker counts itself in before it looks whether a job is open, and the caller closes the job before it looks
//    whether a worker is in: so no worker reads the fields of a job that has ended. The caller waits only for those
//    that came, never for one that sleeps.
// 3. A worker without a job spins for some fifty microseconds, which is longer than what lies between two kernels
//    of a model, then sleeps until the epoch changes.
// No thread is made before the first job. Which thread runs a chunk is left to chance; what a chunk is is not
// (lib/Lower/CPU/README.md), so that results do not depend on the number of threads.
#pragma once

#include "attnc-c/KernelAbi.h"
#include <atomic>
#include <thread>
#include <vector>

namespace attnc {

class Pool {
public:
  /// `threads` with the caller's.
  explicit Pool(int threads) : threads(threads) {}
  ~Pool();
  Pool(const Pool &) = delete;
  Pool &operator=(const Pool &) = delete;

  int size() const { return threads; }
  /// chunk(context, i) for every i below `chunks`, each once, on any thread; returns when all are done. One call at a time.
  void run(attnc_chunk_fn chunk, void *context, int64_t chunks);
  /// The same, as attnc_control.parallel.
  static void parallel(void *pool, attnc_chunk_fn chunk, void *context, int64_t chunks) {
    static_cast<Pool *>(pool)->run(chunk, context, chunks);
  }

private:
  void start();
  void work();
  void takeChunks();
  uint32_t nextEpoch(uint32_t seen);

  const int threads;
  bool started = false;
  std::vector<std::thread> workers;

  // The job.
  attnc_chunk_fn chunk = nullptr;
  void *context = nullptr;
  int64_t chunks = 0;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<bool> open{false};
  std::atomic<bool> ending{false};
  std::atomic<int32_t> inside{0};
  alignas(64) std::atomic<uint32_t> epoch{0};
  std::atomic<int32_t> asleep{0};
};

/// How many threads a session has: `wanted` if that is positive, else ATTNC_THREADS, else one for each physical core that
/// this process may run on, within its share of processor time (cgroup).
int threadCount(int wanted);

} // namespace attnc
