// Sizes of what a halting loop carries, known in front of it. Private to the room.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

namespace attnc {

/// The halting loops over rows, with their policies expanded. Their sizes become those of values in front of them: a body that asks
/// for the size of what it carries reads nothing.
llvm::FailureOr<llvm::SmallVector<loop::AdaptiveOp>> findLoopsOfRows(mlir::Operation *root);

/// Of what is carried, and of what that is expanded to.
void hoistSizesOfCarried(loop::AdaptiveOp op);

} // namespace attnc
