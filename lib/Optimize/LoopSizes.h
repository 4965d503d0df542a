// Sizes of what a halting loop carries, known in front of it. Private to the room.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

namespace attnc {

/// Sizes become those of values in front of the loop: a body that asks for the size of what it carries reads nothing.
llvm::LogicalResult resolveSizes(mlir::Operation *root);

/// Of what is carried, and of what that is expanded to.
void hoistSizesOfCarried(loop::AdaptiveOp op);

} // namespace attnc
