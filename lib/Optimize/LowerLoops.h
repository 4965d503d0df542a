// The parts of attnc-lower-loops.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

namespace attnc {

/// loop.segment → scf.for. Fails, with an error, where an output has a size that only the body knows.
mlir::LogicalResult lowerSegment(loop::SegmentOp op);

} // namespace attnc
