// Every op of the attn dialect in upstream dialects, on tensors and for every shape: the general
// form, which targets refine.
#pragma once

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Lower/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Lower/Passes.h.inc"

/// The patterns of attnc-lower-attn. They apply to any function; a result whose only reader is
/// bufferization.materialize_in_destination is computed in that destination.
void populateLowerAttnPatterns(mlir::RewritePatternSet &patterns,
                               const LowerAttnOptions &options = {});

} // namespace attnc
