// rotary: pairs of the last dimension turned by position · θ.
//
// 1. One parallel loop over the dimensions that positions go along: what lies at one point of them
//    shares its angles.
// 2. Blocks of pairs: cos and sin of their angles, computed in f64, rounded to the compute type.
// 3. All first elements of the pairs, then all second ones; what lies behind the pairs is copied.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

constexpr int64_t kPairBlock = 64;

/// A block of pairs: the first of them, how many, and cos and sin of their angles.
struct Block {
  Num first;
  OpFoldResult size;
  Value cosines, sines;
};

class RotaryBuilder {
public:
  RotaryBuilder(ImplicitLocOpBuilder &b, RotaryOp op) : b(b), op(op), pairs(countPairs(b, op)) {}

  /// The part of the destination at one point of the dimensions of `along`, from that of the input.
  Value turn(Value input, Value destination, ValueRange at) {
    Num position = getPosition(at).integerToFloat(b.getF64Type());
    auto turnBlock = [&](Num first, ValueRange carried) -> SmallVector<Value> {
      OpFoldResult size = getTileSize(b, first, pairs, kPairBlock);
      Block block = computeAngles(position, first, size);
      Value half = turnElements(input, carried[0], block, /*second=*/false);
      return {turnElements(input, half, block, /*second=*/true)};
    };
    return forEachIndex(b, Num::index(b, 0), Num(b, pairs), kPairBlock,
                        copyRest(input, destination), turnBlock)[0];
  }

private:
  static OpFoldResult countPairs(ImplicitLocOpBuilder &b, RotaryOp op) {
    OpFoldResult width = getSize(b, op.getInput(), op.getInput().getType().getRank() - 1);
    if (op.getWidth())
      width = b.getIndexAttr(*op.getWidth());
    if (std::optional<int64_t> constant = getConstantIntValue(width))
      return b.getIndexAttr(*constant / 2);
    return Num(b, width) / 2;
  }

  Num getPosition(ValueRange at) {
    if (op.getPositions())
      return readElement(b, op.getPositions(), at).toIndex();
    return op.getOffset() ? Num(b, op.getOffset()) + Num(b, at[0]) : Num(b, at[0]);
  }

  /// θ_c = base^(-2c/n) = exp(-c · ln(base) / (n/2))
  Num getFrequency(Num pair) {
    Num all = Num(b, pairs).integerToFloat(b.getF64Type());
    double rate = -std::log(op.getBase()->convertToDouble());
    return exp(pair.integerToFloat(b.getF64Type()) * rate / all);
  }

  Block computeAngles(Num position, Num first, OpFoldResult size) {
    FloatType compute = getComputeType(getElementType(op.getInput()));
    Value cosines = allocTile(b, {kPairBlock}, compute, size);
    Value sines = allocTile(b, {kPairBlock}, compute, size);
    SmallVector<Value> given;
    if (Value frequencies = op.getFrequencies())
      given.push_back(Slice(b, frequencies).range(0, first, size).extract(b, frequencies));
    SmallVector<AffineMap> maps(given.size() + 2, getDimsMap(b, 1, {0}));
    double factor = op.getFactor() ? op.getFactor()->convertToDouble() : 1;
    auto tables =
        mapElements(b, given, {cosines, sines}, maps, [&](ArrayRef<Num> e) -> SmallVector<Num> {
          Num angle = position * (given.empty() ? getFrequency(first + getLoopIndex(b, 0))
                                                : e[0].toFloat(b.getF64Type()));
          return {(cos(angle) * factor).toFloat(compute), (sin(angle) * factor).toFloat(compute)};
        });
    return {first, size, tables[0], tables[1]};
  }

  /// The first or the second elements of a block's pairs.
  Slice getElements(Value tensor, const Block &block, bool second) {
    int64_t last = getTensorType(tensor).getRank() - 1;
    if (op.getLayout() == RotaryLayout::Interleaved)
      return Slice(b, tensor).range(last, block.first * 2 + (second ? 1 : 0), block.size, 2);
    return Slice(b, tensor).range(last, second ? block.first + Num(b, pairs) : block.first,
                                  block.size);
  }

  /// y₁ = x₁ cos - x₂ sin, or y₂ = x₂ cos + x₁ sin
  Value turnElements(Value input, Value destination, const Block &block, bool second) {
    FloatType compute = cast<FloatType>(getElementType(block.cosines));
    Value x1 = getElements(input, block, false).extract(b, input);
    Value x2 = getElements(input, block, true).extract(b, input);
    int64_t rank = getTensorType(input).getRank();
    AffineMap all = b.getMultiDimIdentityMap(rank), pair = getDimsMap(b, rank, {rank - 1});
    Slice place = getElements(destination, block, second);
    Value into = place.extract(b, destination);
    auto turned = mapElement(b, {x1, x2, block.cosines, block.sines}, into,
                             {all, all, pair, pair, all}, [&](ArrayRef<Num> e) {
                               Num x1 = e[0].toFloat(compute), x2 = e[1].toFloat(compute);
                               Num y = second ? x2 * e[2] + x1 * e[3] : x1 * e[2] - x2 * e[3];
                               return y.toFloat(getElementType(into));
                             });
    return place.insert(b, turned, destination);
  }

  /// The elements behind the pairs.
  Value copyRest(Value input, Value destination) {
    if (!op.getWidth())
      return destination;
    int64_t last = getTensorType(input).getRank() - 1, width = *op.getWidth();
    OpFoldResult rest = getSize(b, input, last);
    if (std::optional<int64_t> constant = getConstantIntValue(rest))
      rest = b.getIndexAttr(*constant - width);
    else
      rest = Num(b, rest) - width;
    Slice place = Slice(b, input).range(last, b.getIndexAttr(width), rest);
    Value copied = copy(b, place.extract(b, input), place.extract(b, destination));
    return place.insert(b, copied, destination);
  }

  ImplicitLocOpBuilder &b;
  RotaryOp op;
  OpFoldResult pairs;
};

struct LowerRotary : OpRewritePattern<RotaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RotaryOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    RotaryBuilder rotary(b, op);
    Value input = op.getInput();
    SmallVector<TileLoop> loops;
    for (int64_t dim : op.getAlong())
      loops.push_back({getSize(b, input, dim)});
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      Slice part(b, input);
      for (auto [dim, index] : llvm::zip_equal(op.getAlong(), at))
        part.at(dim, index);
      Value from = part.extract(b, input), into = part.extract(b, outputs[0]);
      return {{rotary.turn(from, into, at), part}};
    };
    replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
    return success();
  }
};

} // namespace

void lower::populateRotary(RewritePatternSet &patterns) {
  patterns.add<LowerRotary>(patterns.getContext());
}
