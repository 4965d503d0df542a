// The numbers of the zip format that reader and writer share.
#pragma once
#include <cstdint>

namespace attnc::zip {
inline constexpr uint32_t localSignature = 0x04034b50, centralSignature = 0x02014b50,
                          endSignature = 0x06054b50, end64Signature = 0x06064b50,
                          locatorSignature = 0x07064b50;
inline constexpr uint64_t localSize = 30, endSize = 22, end64Size = 56, locatorSize = 20;
inline constexpr uint16_t extra64 = 1, extraAlignment = 0xd935;
inline constexpr uint32_t in64 = 0xffffffff; // a 32-bit field whose value is in the 64-bit record
inline constexpr uint16_t utf8Flag = 1 << 11, levelFlags = 3 << 1;
} // namespace attnc::zip
