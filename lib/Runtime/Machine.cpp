// Loops whose time is known to be that of the arithmetic units, or of memory: enough independent chains to fill two
// units of four cycles' latency, few enough to stay in registers.
#include "Machine.h"
#include <array>
#include <chrono>
#include <fstream>

namespace attnc {
namespace {

using Clock = std::chrono::steady_clock;

double seconds(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));
typedef int64_t Words4 __attribute__((vector_size(32)));

/// `rounds` multiply-adds in each of 12 chains; what they come to keeps them alive.
template <class Vector> [[gnu::always_inline]] inline float chains(int64_t rounds) {
  constexpr int count = 12;
  Vector sums[count];
  Vector half = Vector{} + 0.5f;
  for (int i = 0; i < count; ++i)
    sums[i] = Vector{} + float(i);
  for (int64_t r = 0; r < rounds; ++r) {
#pragma clang fp contract(fast)
#pragma clang loop unroll(full)
    for (int i = 0; i < count; ++i) {
      sums[i] = sums[i] * half + half;
    }
  }
  Vector all{};
  for (int i = 0; i < count; ++i)
    all += sums[i];
  return all[0];
}

[[gnu::target("avx2,fma")]] float chains8(int64_t rounds) { return chains<Vector8>(rounds); }
[[gnu::target("avx512f,avx512vl")]] float chains16(int64_t rounds) { return chains<Vector16>(rounds); }

volatile float keep;
volatile int64_t keepWord;

} // namespace

std::string cpuName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      return line.substr(line.find(':') + 2);
  return "unknown";
}

double measureFma(std::string_view level) {
  bool wide = level == "avx512";
  constexpr int64_t rounds = 400'000; // 12 multiply-adds in 6 cycles on two units
  auto begin = Clock::now();
  keep = wide ? chains16(rounds) : chains8(rounds);
  return 2.0 * 12 * (wide ? 16 : 8) * double(rounds) / seconds(begin);
}

/// Four places at a time, as matrices by panels are read.
[[gnu::target("avx2")]] double measureRead(const std::byte *memory, uint64_t bytes) {
  auto begin = Clock::now();
  constexpr size_t streams = 4;
  uint64_t each = bytes / streams / 64 * 64;
  std::array<Words4, 2 * streams> sums{};
  for (uint64_t at = 0; at < each; at += 64)
    for (size_t s = 0; s < streams; ++s) {
      auto *line = reinterpret_cast<const Words4 *>(memory + s * each + at);
      sums[2 * s] += line[0];
      sums[2 * s + 1] += line[1];
    }
  for (auto &sum : sums)
    keepWord = sum[0] + sum[1] + sum[2] + sum[3];
  return double(each * streams) / seconds(begin);
}

int64_t readTicks() { return int64_t(__builtin_readcyclecounter()); }

} // namespace attnc
