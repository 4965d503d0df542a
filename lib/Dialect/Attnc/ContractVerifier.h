// What the attnc dialect checks of a function's attributes (dialects/attnc/README.md).
#pragma once

#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace attnc {

enum class ValueKind {
  Argument,
  Result
};

/// One attnc attribute of an argument or result, by itself.
mlir::LogicalResult verifyValueAttribute(mlir::Operation *op, ValueKind kind, unsigned index, mlir::NamedAttribute attribute);

/// One attnc attribute of an operation.
mlir::LogicalResult verifyFunctionAttribute(mlir::Operation *op, mlir::NamedAttribute attribute);

/// All of a function's attributes together, and with those of the module's other functions.
mlir::LogicalResult verifyContract(mlir::FunctionOpInterface function, mlir::SymbolTableCollection &symbols);

/// The part of a `"capacity N"` behind its word, empty for any other name of a dimension.
llvm::StringRef capacityName(llvm::StringRef dim);

/// Number of dynamic dimensions of a shaped type, 0 otherwise.
int64_t numDynamicDims(mlir::Type type);

} // namespace attnc
