// The two halves of attnc-expand-policies.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

namespace attnc {

/// loop.adaptive of any policy but region → loop.adaptive region.
void expandPolicy(loop::AdaptiveOp op);

/// loop.fixed_point → loop.adaptive region, a row a sample.
void expandFixedPoint(loop::FixedPointOp op);

} // namespace attnc
