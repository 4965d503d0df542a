// Mathematical functions in arithmetic: what code without a library computes them with.
#pragma once

#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Math/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Math/Passes.h.inc"

} // namespace attnc
