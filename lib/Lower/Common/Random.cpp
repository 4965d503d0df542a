// random_bits: Philox4x32-10 on the counter (draw, step, row, stream) of every element.
// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
//
// 1. One parallel loop over all dimensions but the last.
// 2. A row of all words, as one elementwise op of ten rounds.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <array>

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

using Words = std::array<Num, 4>;
struct Key {
  Num low, high;
};

Num exclusiveOr(Num x, Num y) {
  return {x.getBuilder(), x.getBuilder().createOrFold<arith::XOrIOp>(x, y)};
}

Num constantWord(ImplicitLocOpBuilder &b, uint32_t word) {
  return Num::constant(b, b.getI32Type(), static_cast<int32_t>(word));
}

/// a = x0 · M0, c = x2 · M1: (hi c ^ x1 ^ k0, lo c, hi a ^ x3 ^ k1, lo a)
Words runRound(ImplicitLocOpBuilder &b, const Words &x, Key key) {
  auto a = arith::MulUIExtendedOp::create(b, x[0], constantWord(b, 0xD2511F53));
  auto c = arith::MulUIExtendedOp::create(b, x[2], constantWord(b, 0xCD9E8D57));
  return {exclusiveOr(exclusiveOr(Num(b, c.getHigh()), x[1]), key.low), Num(b, c.getLow()),
          exclusiveOr(exclusiveOr(Num(b, a.getHigh()), x[3]), key.high), Num(b, a.getLow())};
}

Words philox(ImplicitLocOpBuilder &b, Words x, Key key) {
  for (int round = 0; round < 10; ++round) {
    x = runRound(b, x, key);
    key = {key.low + constantWord(b, 0x9E3779B9), key.high + constantWord(b, 0xBB67AE85)};
  }
  return x;
}

struct LowerRandomBits : OpRewritePattern<RandomBitsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RandomBitsOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type word = b.getI32Type();
    auto getWord = [&](Value index) {
      return index ? Num(b, index).toInteger(word) : constantWord(b, 0);
    };
    Num draw = getWord(op.getDraw()), step = getWord(op.getStep());
    Num stream = constantWord(b, op.getStream()), seed(b, op.getSeed());
    Num shifted(b, arith::ShRUIOp::create(b, seed, seed.literal(32)).getResult());
    Key key{seed.toInteger(word), shifted.toInteger(word)};

    SmallVector<Value> destinations = getDestinations(rewriter, op);
    int64_t rank = getTensorType(destinations[0]).getRank();
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      Slice place = Slice(b, outputs[0]).atLeading(at);
      SmallVector<Value> inputs, rows;
      if (op.getRows())
        inputs.push_back(place.extract(b, op.getRows()));
      for (Value output : outputs)
        rows.push_back(place.extract(b, output));
      SmallVector<AffineMap> maps(inputs.size() + rows.size(),
                                  b.getMultiDimIdentityMap(getTensorType(rows[0]).getRank()));
      auto words = mapElements(b, inputs, rows, maps, [&](ArrayRef<Num> e) -> SmallVector<Num> {
        Num row = op.getRows() ? e[0] : getLinearIndex(b, outputs[0], at);
        Words block = philox(b, {draw, step, row.toInteger(word), stream}, key);
        return SmallVector<Num>(ArrayRef(block).take_front(outputs.size()));
      });
      TileWrites writes;
      for (Value row : words)
        writes.push_back({row, place});
      return writes;
    };
    auto loops = getLeadingLoops(b, destinations[0], std::max<int64_t>(rank - 1, 0));
    replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
    return success();
  }

private:
  /// The row-major index of the element that the op around is at: `leading`, then its loop.
  static Num getLinearIndex(ImplicitLocOpBuilder &b, Value tensor, ValueRange leading) {
    Num index = Num::index(b, 0);
    for (auto [dim, at] : llvm::enumerate(leading))
      index = index * Num(b, getSize(b, tensor, dim)) + Num(b, at);
    int64_t last = leading.size();
    if (last < getTensorType(tensor).getRank())
      index = index * Num(b, getSize(b, tensor, last)) + getLoopIndex(b, 0);
    return index;
  }
};

} // namespace

void lower::populateRandom(RewritePatternSet &patterns) {
  patterns.add<LowerRandomBits>(patterns.getContext());
}
