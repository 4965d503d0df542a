// The parts of attnc-lower-loops.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

namespace attnc {

/// loop.segment → scf.for. Fails, with an error, where an output has a size that only the body knows.
mlir::LogicalResult lowerSegment(loop::SegmentOp op);

/// Size `dim` of a value computed in the body of `loop`, from what is known before the loop. Sizes of what the loop carries do
/// not change from one iteration to the next. Fails where an op on the way does not tell the shape of its results.
mlir::FailureOr<mlir::OpFoldResult> sizeBeforeLoop(mlir::OpBuilder &b, loop::SegmentOp loop, mlir::Value value, int64_t dim);

} // namespace attnc
