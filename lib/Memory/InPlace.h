// What is computed into the buffer of a block's argument, and so needs no copy there.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attnc::memory {

/// Is `value` computed by ops of `block` into `carried`, one after the other (a slice for each layer, say), with every
/// other use of what an op overwrites before it?
bool isUpdateInPlace(mlir::Value value, mlir::BlockArgument carried, mlir::Block *block);

} // namespace attnc::memory
