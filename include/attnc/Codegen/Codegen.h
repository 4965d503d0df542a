// From the LLVM dialect to code that a package carries.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace attnc {

/// Compiles modules in the LLVM dialect (of one context), each lowered for its level, to an ELF shared object each, side by side.
/// Only functions with public visibility are exported; nothing is left undefined. `signature` becomes the exported
/// constant `attnc_signature` (a C string), by which the loader knows that a manifest belongs to the code.
llvm::Expected<std::vector<std::string>> emitSharedObjects(llvm::ArrayRef<mlir::ModuleOp> modules, llvm::StringRef signature);

} // namespace attnc
