// Private to the room.
#pragma once

#include "mlir/IR/Value.h"

namespace attnc {

/// A tensor of the same shape as this one, nearer to where its size is said (a destination, what a loop starts with); null if
/// there is none.
mlir::Value findSameShape(mlir::Value tensor);

} // namespace attnc
