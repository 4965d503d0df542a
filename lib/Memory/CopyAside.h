// Private to the room.
#pragma once

#include "mlir/IR/Builders.h"

namespace attnc {

/// A copy of a tensor in memory of its own (a tensor.empty might become the place where the copy goes in turn).
mlir::Value copyAside(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);

} // namespace attnc
