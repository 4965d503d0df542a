// x86-64-v4: Skylake-X and later, Zen 4 and later. The widest registers also where the compiler's own taste is 256 bits.
#include "attnc/Target/Cpu.h"

const attnc::CpuLevel attnc::kX86Avx512 = {
    .name = "avx512",
    .cpu = "x86-64-v4",
    .features = "-prefer-256-bit",
    .vectorBits = 512,
    .vectorRegisters = 32,
    .fmaPorts = 2,
    .fmaLatency = 4,
    .block = {.rows = 8, .vectors = 2},
    .l1Bytes = 32 * 1024,
    .l2Bytes = 1024 * 1024,
};
