// ring_append: rows go to their slots in order, so that the last one wins.
//
// 1. One parallel loop over the dimensions in front of `along`.
// 2. Rows in order: row t of the sequence to slot t of the pinned prefix, or to one of the others
//    in turn. A ring that `when` leaves out stays as it is.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

struct LowerRingAppend : OpRewritePattern<RingAppendOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(RingAppendOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value rows = op.getRows();
    int64_t along = op.getAlong();
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      Slice entry = Slice(b, outputs[0]).atLeading(at);
      Value ring = entry.extract(b, outputs[0]);
      Value next = Slice(b, rows).atLeading(at).extract(b, rows);
      auto append = [&]() -> SmallVector<Value> { return {appendRows(b, op, next, ring)}; };
      if (!op.getWhen())
        return {{append()[0], entry}};
      int64_t leading = op.getWhen().getType().getRank();
      Num isOn = readElement(b, op.getWhen(), at.take_front(leading));
      auto keep = [&]() -> SmallVector<Value> { return {ring}; };
      return {{ifElse(b, isOn, ring.getType(), append, keep)[0], entry}};
    };
    replaceInDestinations(rewriter, op,
                          forEachTile(b, getLeadingLoops(b, rows, along), destinations, body));
    return success();
  }

private:
  /// rows [n, rest…] into ring [c, rest…]; a ring without a slot behind the pinned ones takes none.
  static Value appendRows(ImplicitLocOpBuilder &b, RingAppendOp op, Value rows, Value ring) {
    Num count(b, op.getCount()), pinned = Num::index(b, op.getPinned());
    Num turning = Num(b, getSize(b, ring, 0)) - pinned;
    auto append = [&](Num n, ValueRange carried) -> SmallVector<Value> {
      Num t = count + n;
      Num slot = select(isWithin(t, pinned), t, unsignedRemainder(t - pinned, turning) + pinned);
      Slice place = Slice(b, ring).at(0, slot.getValue());
      Value row = Slice(b, rows).at(0, n.getValue()).extract(b, rows);
      return {place.insert(b, copy(b, row, place.extract(b, carried[0])), carried[0])};
    };
    Num all(b, getSize(b, rows, 0));
    return forEachIndex(b, Num::index(b, 0), select(turning > 0.0, all, Num::index(b, 0)), 1, ring,
                        append)[0];
  }
};

} // namespace

void lower::populateRing(RewritePatternSet &patterns) {
  patterns.add<LowerRingAppend>(patterns.getContext());
}
