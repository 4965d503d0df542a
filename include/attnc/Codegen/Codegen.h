// From the LLVM dialect to code that a package carries.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attnc {

/// One level of a CPU family: the features that code of this level may use. Levels are ordered;
/// the runtime picks the last one that the machine has.
struct CpuLevel {
  llvm::StringLiteral name;     ///< "avx2": names the code in the package and in --cpu-level.
  llvm::StringLiteral cpu;      ///< LLVM's -mcpu.
  llvm::StringLiteral features; ///< LLVM's -mattr, on top of the cpu.
  unsigned vectorBits;          ///< Width of the vectors to prefer.
};

/// The x86-64 levels, lowest first.
llvm::ArrayRef<CpuLevel> x86Levels();
/// The level of that name, or null.
const CpuLevel *findLevel(llvm::StringRef name);

/// Compiles a module in the LLVM dialect to an ELF shared object for each level, side by side. Only
/// functions with public visibility are exported; nothing is left undefined. `signature` becomes the exported
/// constant `attnc_signature` (a C string), by which the loader knows that a manifest belongs to the code.
llvm::Expected<std::vector<std::string>> emitSharedObjects(mlir::ModuleOp module, llvm::ArrayRef<const CpuLevel *> levels,
                                                           llvm::StringRef signature);

} // namespace attnc
