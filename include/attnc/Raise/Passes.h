// The raise phase: what models mean, found in plain graphs.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Raise/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Raise/Passes.h.inc"

/// The phase: attention, then what is left of softmax, norms and rotary embedding, then loops.
void buildRaisePhase(mlir::OpPassManager &passes);

} // namespace attnc
