// The plan phase: buffers, one arena, state slots; no allocation on the hot path.
#pragma once

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Memory/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Memory/Passes.h.inc"

/// The passes of the phase, in order.
void buildPlanPhase(mlir::OpPassManager &passes);

/// How attnc.launch becomes a launch on buffers.
void registerBufferization(mlir::DialectRegistry &registry);

} // namespace attnc
