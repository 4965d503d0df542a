// Sizes of what a halting loop carries are those of its initial values.
#include "LoopSizes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace attnc;

static LogicalResult resolveSizes(Operation *root) {
  RewritePatternSet patterns(root->getContext());
  memref::populateResolveShapedTypeResultDimsPatterns(patterns);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  tensor::DimOp::getCanonicalizationPatterns(patterns, root->getContext());
  return applyPatternsGreedily(root, std::move(patterns));
}

FailureOr<SmallVector<loop::AdaptiveOp>> attnc::findLoopsOfRows(Operation *root) {
  SmallVector<loop::AdaptiveOp> loops;
  root->walk([&](loop::AdaptiveOp op) {
    if (op.getRowType().getRank() > 0 && op.getPolicy() == loop::Policy::Region)
      loops.push_back(op);
  });
  if (!loops.empty() && failed(resolveSizes(root)))
    return failure();
  return loops;
}

void attnc::hoistSizesOfCarried(loop::AdaptiveOp op) {
  unsigned count = op.getNumCarried();
  for (Region *region : {&op.getBody(), &op.getHalt()})
    region->walk([&](tensor::DimOp dim) {
      OpBuilder b(op);
      if (!dim.getConstantIndex())
        return;
      int64_t at = *dim.getConstantIndex();
      if (auto expand = dim.getSource().getDefiningOp<tensor::ExpandShapeOp>())
        return dim.replaceAllUsesWith(getValueOrCreateConstantIndexOp(b, dim.getLoc(), expand.getMixedOutputShape()[at]));
      auto argument = dyn_cast<BlockArgument>(dim.getSource());
      if (!argument || argument.getOwner() != &region->front())
        return;
      unsigned number = argument.getArgNumber(), first = region == &op.getBody() ? 2 : 1;
      Value init = number < first ? op.getActive() : op.getInits()[(number - first) % count];
      dim.replaceAllUsesWith(tensor::DimOp::create(b, dim.getLoc(), init, at).getResult());
    });
}
