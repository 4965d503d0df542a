// What one core of this machine can do, to be measured beside what a package does with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace attnc {

/// The CPU's name as the system gives it.
std::string cpuName();

/// Multiply-adds of f32 from registers to registers with the vectors of a level ("avx2", "avx512"), for about
/// a millisecond: FLOP a second, a multiply-add counted as two.
double measureFma(std::string_view level);

/// One pass that reads `bytes` bytes of memory: bytes a second. `memory` is 64-byte aligned.
double measureRead(const std::byte *memory, uint64_t bytes);

/// The time stamp counter, by which compiled code times kernels (KernelAbi.h).
int64_t readTicks();

} // namespace attnc
