// x86-64-v3: Haswell and later, Zen to Zen 3.
#include "attnc/Target/Cpu.h"

const attnc::CpuLevel attnc::kX86Avx2 = {
    .name = "avx2",
    .cpu = "x86-64-v3",
    .features = "",
    .vectorBits = 256,
    .vectorRegisters = 16,
    .fmaPorts = 2,
    .fmaLatency = 5,
    .block = {.rows = 6, .vectors = 2},
    .l1Bytes = 32 * 1024,
    .l2Bytes = 512 * 1024,
};
