// The schedule phase: every op belongs to a kernel.
#pragma once

#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Schedule/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Schedule/Passes.h.inc"

/// The passes of the phase, in order.
void buildSchedulePhase(mlir::OpPassManager &passes);

} // namespace attnc
