// Ops that consist of others step down to them, so that each part is a kernel or fuses with its neighbours.
//
// Before: any op on tensors. After: no linalg.softmax, tensor.pad, tensor.concat, tensor.generate or tensor.splat;
// what computes a tensor has a destination (or, tensor.from_elements, a static size).
#include "attnc/Schedule/Schedule.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_DECOMPOSEOPS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;

namespace {

/// softmax(x : ?x3) into ?x? -> softmax(x : ?x3) into ?x3: what one operand's type says of the shape, both say; upstream's softmax takes apart only such.
struct AgreeOnShape : OpRewritePattern<linalg::SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::SoftmaxOp op, PatternRewriter &rewriter) const override {
    ShapedType given = op.getInputOperandType(), made = op.getOutputOperandType();
    if (given.getShape() == made.getShape())
      return failure();
    SmallVector<int64_t> shape(given.getShape());
    for (auto [extent, other] : llvm::zip_equal(shape, made.getShape()))
      extent = ShapedType::isDynamic(extent) ? other : extent;
    auto casted = [&](Value tensor) -> Value {
      return tensor::CastOp::create(rewriter, op.getLoc(), cast<ShapedType>(tensor.getType()).clone(shape), tensor);
    };
    Value input = casted(op.getInput()), output = casted(op.getOutput());
    auto softmax = linalg::SoftmaxOp::create(rewriter, op.getLoc(), TypeRange(output.getType()), input, output, op.getDimension());
    rewriter.replaceOpWithNewOp<tensor::CastOp>(op, op.getResultTypes()[0], softmax.getResult()[0]);
    return success();
  }
};

/// softmax(x) = exp(x - max x) / Σ exp(x - max x), and whatever else upstream can take apart.
struct DecomposeAggregated : OpInterfaceRewritePattern<linalg::AggregatedOpInterface> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::AggregatedOpInterface op, PatternRewriter &rewriter) const override {
    FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
    if (failed(results))
      return failure();
    rewriter.replaceOp(op, *results);
    return success();
  }
};

/// pad: the padding elements, then the source inserted; generate: a generic op with the same body.
template <typename Op> struct ToDestinationStyle : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    return linalg::rewriteInDestinationPassingStyle(rewriter, op);
  }
};

/// splat: a fill.
struct SplatToFill : OpRewritePattern<tensor::SplatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::SplatOp op, PatternRewriter &rewriter) const override {
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), op.getType(), op.getDynamicSizes());
    rewriter.replaceOpWithNewOp<linalg::FillOp>(op, op.getInput(), empty);
    return success();
  }
};

class DecomposeOps : public attnc::impl::DecomposeOpsBase<DecomposeOps> {
public:
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<AgreeOnShape>(context, /*benefit=*/2);
    patterns.add<DecomposeAggregated, ToDestinationStyle<tensor::PadOp>, ToDestinationStyle<tensor::GenerateOp>, SplatToFill>(context);
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
