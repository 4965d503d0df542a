// The pass attnc-lower-attn and its list of patterns.
//
// Before: functions over tensors, kernels or not. After: no op of attn. Each group of patterns has
// its file; they share the conventions in Build.h (destinations, slices, parallel tiles).
#include "attnc/Lower/LowerAttn.h"

#include "Patterns.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_LOWERATTN
#include "attnc/Lower/Passes.h.inc"
} // namespace attnc

using namespace mlir;

void attnc::populateLowerAttnPatterns(RewritePatternSet &patterns,
                                      const LowerAttnOptions &options) {
  lower::populateAttention(patterns, options);
  lower::populateNorms(patterns);
  lower::populateOrder(patterns);
  lower::populateRandom(patterns);
  lower::populateRing(patterns);
  lower::populateRotary(patterns);
  lower::populateRows(patterns);
  lower::populateScans(patterns);
}

namespace {

class LowerAttn : public attnc::impl::LowerAttnBase<LowerAttn> {
public:
  using LowerAttnBase::LowerAttnBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    attnc::populateLowerAttnPatterns(patterns, {queryBlock, keyBlock});
    // Each op is rewritten once; other ops stay as they are, for the canonicaliser.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false).setRegionSimplificationLevel(
        GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      signalPassFailure();
  }
};

} // namespace
