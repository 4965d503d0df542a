// gather_rows and scatter_rows: copies of rows whose place is data. An index outside gives a row of
// zeros, or is ignored; it never leads to an access.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

/// 0 ≤ index < the size of the dimension.
Num isInside(ImplicitLocOpBuilder &b, Num index, Value tensor, int64_t dim) {
  return isWithin(index, Num(b, getSize(b, tensor, dim)));
}

/// 1. One parallel loop over all indices.
/// 2. The row is the source's where the index lies inside, and 0 elsewhere.
struct LowerGatherRows : OpRewritePattern<GatherRowsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(GatherRowsOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value source = op.getSource(), indices = op.getIndices();
    int64_t batch = op.getBatch();
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      Num index = readElement(b, indices, at).toIndex();
      Slice to = Slice(b, outputs[0]).atLeading(at);
      Value row = to.extract(b, outputs[0]);
      auto inside = [&]() -> SmallVector<Value> {
        Slice from = Slice(b, source).atLeading(at.take_front(batch)).at(batch, index);
        return {copy(b, from.extract(b, source), row)};
      };
      auto outside = [&]() -> SmallVector<Value> { return {fill(b, 0.0, row)}; };
      return {
          {ifElse(b, isInside(b, index, source, batch), row.getType(), inside, outside)[0], to}};
    };
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    SmallVector<TileLoop> loops = getLeadingLoops(b, indices, getTensorType(indices).getRank());
    replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
    return success();
  }
};

/// 1. One parallel loop over the batch dimensions.
/// 2. Rows in order, so that the last of equal indices wins, or all add up.
struct LowerScatterRows : OpRewritePattern<ScatterRowsOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ScatterRowsOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows(), indices = op.getIndices();
    int64_t batch = op.getBatch();
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      Slice entry = Slice(b, outputs[0]).atLeading(at);
      Value into = entry.extract(b, outputs[0]);
      Num count(b, getSize(b, rows, batch));
      auto putRow = [&](Num n, ValueRange carried) -> SmallVector<Value> {
        SmallVector<Value> place(at);
        place.push_back(n);
        Num index = readElement(b, indices, place).toIndex();
        Value row = Slice(b, rows).atLeading(place).extract(b, rows);
        auto inside = [&]() -> SmallVector<Value> {
          return {put(b, op.getMode(), row, carried[0], index)};
        };
        auto outside = [&]() -> SmallVector<Value> { return {carried[0]}; };
        return ifElse(b, isInside(b, index, into, 0), into.getType(), inside, outside);
      };
      return {{forEachIndex(b, Num::index(b, 0), count, 1, into, putRow)[0], entry}};
    };
    replaceInDestinations(rewriter, op,
                          forEachTile(b, getLeadingLoops(b, rows, batch), destinations, body));
    return success();
  }

private:
  static Value put(ImplicitLocOpBuilder &b, ScatterMode mode, Value row, Value into, Num index) {
    Slice place = Slice(b, into).at(0, index.getValue());
    Value old = place.extract(b, into);
    if (mode == ScatterMode::Set)
      return place.insert(b, copy(b, row, old), into);
    AffineMap identity = b.getMultiDimIdentityMap(getTensorType(row).getRank());
    Value sum =
        mapElement(b, row, old, {identity, identity}, [](ArrayRef<Num> e) { return e[1] + e[0]; });
    return place.insert(b, sum, into);
  }
};

} // namespace

void lower::populateRows(RewritePatternSet &patterns) {
  patterns.add<LowerGatherRows, LowerScatterRows>(patterns.getContext());
}
