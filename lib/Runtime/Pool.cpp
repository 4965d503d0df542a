#include "Pool.h"
#include <algorithm>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace attnc {
namespace {

/// Some fifty microseconds: a pause takes 40 to 140 cycles.
constexpr int kSpins = 2000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

void sleepWhile(std::atomic<uint32_t> &word, uint32_t value) {
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void wakeAll(std::atomic<uint32_t> &word) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }

} // namespace

Pool::~Pool() {
  ending = true;
  ++epoch;
  wakeAll(epoch);
  for (auto &worker : workers)
    worker.join();
}

/// A system that refuses threads gets fewer: the caller alone is enough.
void Pool::start() {
  started = true;
  try {
    while (int(workers.size()) + 1 < threads)
      workers.emplace_back([this] { work(); });
  } catch (const std::system_error &) {
  }
}

void Pool::takeChunks() {
  for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < chunks;)
    chunk(context, i);
}

void Pool::run(attnc_chunk_fn fn, void *argument, int64_t count) {
  if (threads == 1 || count <= 1) {
    for (int64_t i = 0; i < count; ++i)
      fn(argument, i);
    return;
  }
  if (!started)
    start();
  chunk = fn;
  context = argument;
  chunks = count;
  next.store(0, std::memory_order_relaxed);
  open.store(true);
  epoch.fetch_add(1);
  if (asleep.load() > 0)
    wakeAll(epoch);
  takeChunks();
  open.store(false);
  for (int spins = 0; inside.load() != 0; ++spins)
    spins < kSpins ? pause() : std::this_thread::yield(); // a worker may have lost its core
}

/// The epoch behind `seen`, when it comes.
uint32_t Pool::nextEpoch(uint32_t seen) {
  for (int spins = 0; spins < kSpins; ++spins) {
    if (uint32_t now = epoch.load(); now != seen)
      return now;
    pause();
  }
  ++asleep;
  while (epoch.load() == seen)
    sleepWhile(epoch, seen);
  --asleep;
  return epoch.load();
}

void Pool::work() {
  for (uint32_t seen = 0; !ending.load();) {
    seen = nextEpoch(seen);
    ++inside;
    if (open.load())
      takeChunks();
    --inside;
  }
}

} // namespace attnc
