// Seeded numbers that are the same on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace attnc::fuzz {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  /// Steele et al. 2014, "Fast splittable pseudorandom number generators".
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// low .. high, both included.
  int64_t between(int64_t low, int64_t high) { return low + int64_t(next() % uint64_t(high - low + 1)); }
  /// 0 .. 1, 1 excluded.
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  bool chance(double probability) { return uniform() < probability; }
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }
  template <class T> T pick(const std::vector<T> &from) { return from[size_t(between(0, int64_t(from.size()) - 1))]; }
  int64_t pick(std::initializer_list<int64_t> from) { return pick(std::vector<int64_t>(from)); }

private:
  uint64_t state;
};

} // namespace attnc::fuzz
