// Where values come from, a few ops back. Private to the room.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/SetVector.h"

namespace attnc::raise {

/// A structured op on tensors without reductions.
bool isElementwise(mlir::Operation *op);
/// Values of the type of `result` that it is computed from by elementwise ops and views, the nearest first; among the
/// `most` values that are nearest.
llvm::SetVector<mlir::Value> getInputsOfType(mlir::Value result, size_t most);

} // namespace attnc::raise
