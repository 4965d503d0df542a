// The optimize phase: rewrites of whole models on tensors.
#pragma once

#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Optimize/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Optimize/Passes.h.inc"

} // namespace attnc
