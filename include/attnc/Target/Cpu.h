// What the compiler knows of a CPU: one description a level, from which the lower phase takes its tiles.
#pragma once

#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace attnc {

/// The accumulators of an inner product block: `rows` × `vectors` registers.
struct RegisterBlock {
  int64_t rows, vectors;
};

/// One level of a CPU family: the features that code of this level may use, and the core that its tiles are made for.
/// Levels are ordered; the runtime picks the last one that the machine has.
struct CpuLevel {
  llvm::StringLiteral name;     ///< "avx2": names the code in the package and in --cpu-level.
  llvm::StringLiteral cpu;      ///< LLVM's -mcpu.
  llvm::StringLiteral features; ///< LLVM's -mattr, on top of the cpu.
  int64_t vectorBits;           ///< Width of the registers, and of the vectors to prefer.
  int64_t vectorRegisters;
  int64_t fmaPorts;             ///< Vector multiply-adds that start in a cycle.
  int64_t fmaLatency;           ///< Cycles until the sum may be added to: fmaPorts · fmaLatency chains keep the ports busy.
  RegisterBlock block;          ///< For f32; every accumulator, a row of vectors and an element fit the registers.
  int64_t l1Bytes, l2Bytes;     ///< A core's data caches.

  /// Elements of a type of that width in a register.
  int64_t lanes(int64_t elementBits) const { return vectorBits / elementBits; }
};

extern const CpuLevel kX86Avx2, kX86Avx512;

/// The x86-64 levels, lowest first.
llvm::ArrayRef<const CpuLevel *> x86Levels();
/// The level of that name, or null.
const CpuLevel *findLevel(llvm::StringRef name);

/// The level that a module is lowered for: its attribute attnc.cpu_level, or the lowest.
const CpuLevel &getCpuLevel(mlir::Operation *op);
void setCpuLevel(mlir::Operation *module, const CpuLevel &level);

} // namespace attnc
