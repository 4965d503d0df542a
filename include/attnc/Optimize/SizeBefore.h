// Sizes of tensors that are computed inside of an op, in front of it.
#pragma once

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

namespace attnc {

/// The size of dimension `dim` of a tensor computed in a region of `op` (or known in front of it), as a number that is known
/// in front of `op`. Fails where it depends on what the regions compute.
llvm::FailureOr<mlir::OpFoldResult> sizeBefore(mlir::OpBuilder &b, mlir::Operation *op, mlir::Value tensor, int64_t dim);

} // namespace attnc
