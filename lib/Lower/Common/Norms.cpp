// layer_norm and rms_norm.
//
// 1. One parallel loop over the rows.
// 2. The row's statistics, in f32 (f64 for f64): mean, then the variance around it; or the mean
// square.
// 3. The row of the destination.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

/// The parts of a row's normalisation that the two ops differ in.
struct Row {
  ImplicitLocOpBuilder &b;
  Value input; // [n]
  FloatType compute;
  Num n; // as a float

  /// Σ term(x) over the row.
  Num sum(function_ref<Num(Num)> term) const {
    AffineMap element = getDimsMap(b, 1, {0}), scalar = getDimsMap(b, 1, {});
    Value zero = fill(b, 0.0, allocTile(b, {}, compute));
    Value total = mapElement(b, input, zero, {element, scalar},
                             [&](ArrayRef<Num> e) { return e[1] + term(e[0].toFloat(compute)); });
    return readElement(b, total);
  }
};

/// y = (x - mean) · rstd · weight + bias, without the absent ones.
Value scaleRow(const Row &row, std::optional<Num> mean, Num rstd, Value weight, Value bias,
               Value destination) {
  ImplicitLocOpBuilder &b = row.b;
  SmallVector<Value> inputs{row.input};
  for (Value parameter : {weight, bias})
    if (parameter)
      inputs.push_back(parameter);
  SmallVector<AffineMap> maps(inputs.size() + 1, getDimsMap(b, 1, {0}));
  return mapElement(b, inputs, destination, maps, [&](ArrayRef<Num> e) {
    Num y = e.consume_front().toFloat(row.compute);
    if (mean)
      y = y - *mean;
    y = y * rstd;
    if (weight)
      y = y * e.consume_front().toFloat(row.compute);
    if (bias)
      y = y + e.consume_front().toFloat(row.compute);
    return y.toFloat(getElementType(destination));
  });
}

/// Steps 1 to 3, given what is done with a row.
void lowerRows(PatternRewriter &rewriter, Operation *op, Value input,
               function_ref<Value(const Row &row, Value destination)> normalize) {
  ImplicitLocOpBuilder b(op->getLoc(), rewriter);
  SmallVector<Value> destinations = getDestinations(rewriter, op);
  RankedTensorType type = getTensorType(input);
  FloatType compute = getComputeType(type.getElementType());
  int64_t last = type.getRank() - 1;
  Num n = Num(b, getSize(b, input, last)).integerToFloat(compute);
  auto body = [&](ValueRange indices, ValueRange outputs) -> TileWrites {
    Slice slice = Slice(b, input).atLeading(indices);
    Row row{b, slice.extract(b, input), compute, n};
    return {{normalize(row, slice.extract(b, outputs[0])), slice}};
  };
  replaceInDestinations(rewriter, op,
                        forEachTile(b, getLeadingLoops(b, input, last), destinations, body));
}

struct LowerLayerNorm : OpRewritePattern<LayerNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LayerNormOp op, PatternRewriter &rewriter) const override {
    double eps = op.getEps().convertToDouble();
    lowerRows(rewriter, op, op.getInput(), [&](const Row &row, Value destination) {
      // mean = Σ x / n, var = Σ (x - mean)² / n
      Num mean = row.sum([](Num x) { return x; }) / row.n;
      Num var = row.sum([&](Num x) { return (x - mean) * (x - mean); }) / row.n;
      return scaleRow(row, mean, 1.0 / sqrt(var + eps), op.getWeight(), op.getBias(), destination);
    });
    return success();
  }
};

struct LowerRmsNorm : OpRewritePattern<RmsNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RmsNormOp op, PatternRewriter &rewriter) const override {
    double eps = op.getEps().convertToDouble();
    lowerRows(rewriter, op, op.getInput(), [&](const Row &row, Value destination) {
      Num meanSquare = row.sum([](Num x) { return x * x; }) / row.n;
      return scaleRow(row, std::nullopt, 1.0 / sqrt(meanSquare + eps), op.getWeight(), nullptr,
                      destination);
    });
    return success();
  }
};

} // namespace

void lower::populateNorms(RewritePatternSet &patterns) {
  patterns.add<LowerLayerNorm, LowerRmsNorm>(patterns.getContext());
}
