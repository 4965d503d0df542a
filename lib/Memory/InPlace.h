// What is computed into the buffer of a block's argument, and so needs no copy there.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attnc::memory {

/// Is `value` computed by ops of `block` into `carried`, one after the other (a slice for each layer, say), with every
/// other use of what an op overwrites before it? Uses by `except` do not count.
bool isUpdateInPlace(mlir::Value value, mlir::BlockArgument carried, mlir::Block *block, mlir::Operation *except = nullptr);

/// Results that are computed into their arguments are returned without a copy to them: it would read a loop's result while
/// it writes what the loop started from, and the analysis does not know that they are the same.
void returnInPlace(mlir::func::FuncOp function);

} // namespace attnc::memory
