// Makes chains of elementwise ops one op, and so one kernel.
//
// Upstream's fusion with a limit: a producer is not fused where its result would be computed again and again, that is where
// the reader has loops that do not index it (a number per row, read by every element of the row), unless that costs next to
// nothing. Without it Anderson's solve, once a sample, would be done for every number of the sample. Nor is a producer fused that
// depends on weights alone: it will be a prepared weight.
#include "attnc/Schedule/Schedule.h"

#include "WeightValues.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// Who only asks for sizes reads nothing.
bool hasOneReader(OpOperand *operand) {
  Operation *producer = operand->get().getDefiningOp();
  return producer && llvm::count_if(producer->getUses(), [](OpOperand &use) { return !isa<tensor::DimOp>(use.getOwner()); }) == 1;
}

/// A few additions, comparisons and the like an element, and nothing that is read to get there.
bool isCheap(linalg::LinalgOp op) {
  constexpr unsigned kFew = 4;
  Block &body = *op.getBlock();
  return llvm::range_size(body.without_terminator()) <= kFew && llvm::none_of(body, [](Operation &inner) {
           return isa<math::MathDialect>(inner.getDialect()) || isa<arith::DivFOp, arith::RemFOp, tensor::ExtractOp>(inner);
         });
}

/// Whether the producer of a reader's operand is computed as often there as it was.
bool computesOnce(OpOperand *operand) {
  auto reader = dyn_cast<linalg::LinalgOp>(operand->getOwner());
  return !reader || reader.getMatchingIndexingMap(operand).getNumResults() == reader.getNumLoops();
}

/// What is the same in every call is not to be computed in every call.
bool staysPrepared(OpOperand *operand) {
  attnc::WeightValues values;
  Operation *reader = operand->getOwner();
  return values.isWorthKeeping(operand->get()) && !(reader->getNumResults() && values.isWeight(reader->getResult(0)));
}

/// A product with anything else between its operands and their multiplication is no longer one.
bool isOfProduct(OpOperand *operand) {
  auto reader = dyn_cast<linalg::LinalgOp>(operand->getOwner());
  return reader && linalg::isaContractionOpInterface(reader) && reader.isDpsInput(operand);
}

bool shouldFuse(OpOperand *operand) {
  auto producer = operand->get().getDefiningOp<linalg::LinalgOp>();
  return !isOfProduct(operand) && hasOneReader(operand) && !staysPrepared(operand) && (computesOnce(operand) || !producer || isCheap(producer));
}

/// A broadcast that elementwise ops read, and nothing starts from, is an elementwise op itself.
struct GeneralizeBroadcast : OpRewritePattern<linalg::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::BroadcastOp op, PatternRewriter &rewriter) const override {
    bool isRead = llvm::all_of(op->getUses(), [](OpOperand &use) {
      auto reader = dyn_cast<linalg::GenericOp>(use.getOwner());
      return reader && reader.getNumReductionLoops() == 0 && reader.isDpsInput(&use);
    });
    return success(isRead && succeeded(linalg::generalizeNamedOp(rewriter, op)));
  }
};

class FuseElementwise : public attnc::impl::FuseElementwiseBase<FuseElementwise> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, hasOneReader);
    linalg::populateConstantFoldLinalgOperations(patterns, hasOneReader);
    tensor::populateBubbleUpExpandShapePatterns(patterns);
    patterns.add<GeneralizeBroadcast>(&getContext());
    linalg::GenericOp::getCanonicalizationPatterns(patterns, &getContext());
    tensor::DimOp::getCanonicalizationPatterns(patterns, &getContext());
    getContext().getLoadedDialect<linalg::LinalgDialect>()->getCanonicalizationPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), GreedyRewriteConfig().setUseTopDownTraversal(true))))
      signalPassFailure();
  }
};

} // namespace
