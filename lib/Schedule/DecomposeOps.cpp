// Ops that consist of others step down to them, so that each part is a kernel or fuses with its neighbours.
//
// Before: any op on tensors. After: no linalg.softmax, tensor.pad, tensor.concat, tensor.generate or tensor.splat;
// what computes a tensor has a destination (or, tensor.from_elements, a static size). No attention has the normaliser
// sigmoid_sum.
#include "attnc/Schedule/Schedule.h"

#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attnc {
#define GEN_PASS_DEF_DECOMPOSEOPS
#include "attnc/Schedule/Passes.h.inc"
} // namespace attnc

using namespace mlir;
namespace attn = attnc::attn;

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

/// sigmoid_sum: σ(s) / Σ σ(s) = exp(log σ(s)) / Σ exp(log σ(s)), a softmax of log σ(s) = min(s, 0) - log(1 + exp(-|s|)). Of that
/// the maximum is taken away, so that a row of scores far below 0 (σ(-90) is 0 in f32) still has weights.
struct SigmoidSumToSoftmax : OpRewritePattern<attn::AttentionOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(attn::AttentionOp op, PatternRewriter &rewriter) const override {
    if (op.getNormalizer() != attn::Normalizer::SigmoidSum)
      return failure();
    rewriter.modifyOpInPlace(op, [&] {
      op.setNormalizer(attn::Normalizer::Softmax);
      if (op.getScore().empty())
        addScore(op, rewriter);
      Operation *yield = op.getScore().front().getTerminator();
      ImplicitLocOpBuilder b(op.getLoc(), yield);
      yield->setOperand(0, logSigmoid(b, yield->getOperand(0)));
    });
    return success();
  }

private:
  /// A score region that yields the score.
  static void addScore(attn::AttentionOp op, OpBuilder &b) {
    SmallVector<Type> types(6, b.getIndexType()); // the score; b, h, i, j, n
    types[0] = op.getComputeType();
    for (OpOperand &capture : op.getCapturesMutable())
      types.push_back(op.isWholeCapture(capture) ? capture.get().getType() : getElementTypeOrSelf(capture.get().getType()));
    Block *block = b.createBlock(&op.getScore(), {}, types, SmallVector<Location>(types.size(), op.getLoc()));
    attn::YieldOp::create(b, op.getLoc(), block->getArgument(0));
  }

  static Value logSigmoid(ImplicitLocOpBuilder &b, Value s) {
    auto number = [&](double value) { return arith::ConstantOp::create(b, b.getFloatAttr(s.getType(), value)); };
    Value below = arith::MinimumFOp::create(b, s, number(0));
    Value e = math::ExpOp::create(b, arith::NegFOp::create(b, math::AbsFOp::create(b, s)));
    return arith::SubFOp::create(b, below, math::LogOp::create(b, arith::AddFOp::create(b, e, number(1))));
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
    patterns.add<DecomposeAggregated, SigmoidSumToSoftmax, ToDestinationStyle<tensor::PadOp>, ToDestinationStyle<tensor::GenerateOp>, SplatToFill>(context);
    tensor::populateDecomposeTensorConcatPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
