// sort, top_k and nonzero: rows ordered in their destinations, without other memory.
//
// Both keep pairs (value, index), of which no two are equal, so that an order of pairs is stable
// however it is made. NaN comes last in either direction.
//   sort:  a heap of the row (Williams 1964, Floyd 1964), the last pair on top, which is taken from
//          it n - 1 times: O(n log n).
//   top_k: elements in order; each that comes before the k-th so far is inserted: O(n · k), and
//          O(n + k² log(n / k)) for elements in random order.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

/// Does x come before y? NaN comes before nothing, everything else before NaN.
Num precedes(Num x, Num y, bool descending) {
  Num before = descending ? x > y : x < y;
  return isa<FloatType>(x.getType()) ? before | ((y != y) & (x == x)) : before;
}

/// A value and its index in the input.
struct Pair {
  Num value, index;
};

Num precedes(Pair x, Pair y, bool descending) {
  Num tied = precedes(y.value, x.value, descending) == 0.0;
  return precedes(x.value, y.value, descending) | (tied & (x.index < y.index));
}

/// The pairs of a row, under construction.
struct Row {
  ImplicitLocOpBuilder &b;
  Value values, indices;

  Row(ImplicitLocOpBuilder &b, ValueRange tensors)
      : b(b), values(tensors[0]), indices(tensors[1]) {}
  Pair get(Num place) const {
    return {readElement(b, values, place.getValue()), readElement(b, indices, place.getValue())};
  }
  void set(Num place, Pair pair) {
    values = tensor::InsertOp::create(b, pair.value, values, place.getValue());
    indices = tensor::InsertOp::create(b, pair.index, indices, place.getValue());
  }
  void swap(Num x, Num y) {
    Pair atX = get(x), atY = get(y);
    set(x, atY);
    set(y, atX);
  }
  SmallVector<Value> tensors() const { return {values, indices}; }
};

/// The rows of an op's two destinations, in parallel.
void lowerRows(PatternRewriter &rewriter, Operation *op, Value input,
               function_ref<Row(Value input, Row row)> order) {
  ImplicitLocOpBuilder b(op->getLoc(), rewriter);
  SmallVector<Value> destinations = getDestinations(rewriter, op);
  auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
    Slice values = Slice(b, outputs[0]).atLeading(at), indices = Slice(b, outputs[1]).atLeading(at);
    Value tensors[] = {values.extract(b, outputs[0]), indices.extract(b, outputs[1])};
    Row row = order(Slice(b, input).atLeading(at).extract(b, input), Row(b, tensors));
    return {{row.values, values}, {row.indices, indices}};
  };
  auto loops = getLeadingLoops(b, input, getTensorType(input).getRank() - 1);
  replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
}

//===----------------------------------------------------------------------===//
// sort
//===----------------------------------------------------------------------===//

struct LowerSort : OpRewritePattern<SortOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SortOp op, PatternRewriter &rewriter) const override {
    bool descending = op.getDescending();
    lowerRows(rewriter, op, op.getInput(), [&](Value input, Row row) {
      ImplicitLocOpBuilder &b = row.b;
      Num n(b, getSize(b, input, 0)), zero = Num::index(b, 0), half = n / 2;
      Row pairs = makePairs(input, row);
      // The heap: from the last inner place to the first.
      auto heap = forEachIndex(b, zero, half, 1, pairs.tensors(), [&](Num i, ValueRange carried) {
        return sink(Row(b, carried), half - 1 - i, n, descending).tensors();
      });
      // The last of all pairs goes behind the others.
      auto sorted = forEachIndex(b, zero, n - 1, 1, heap, [&](Num i, ValueRange carried) {
        Row row(b, carried);
        Num end = n - 1 - i;
        row.swap(zero, end);
        return sink(row, zero, end, descending).tensors();
      });
      return Row(b, sorted);
    });
    return success();
  }

private:
  static Row makePairs(Value input, Row row) {
    ImplicitLocOpBuilder &b = row.b;
    AffineMap each = getDimsMap(b, 1, {0});
    Type index = getElementType(row.indices);
    row.values = copy(b, input, row.values);
    row.indices = mapElement(b, {}, row.indices, {each},
                             [&](ArrayRef<Num>) { return getLoopIndex(b, 0).toInteger(index); });
    return row;
  }

  /// The latest of the pair at `place` and its children, at 2p + 1 and 2p + 2 below `end`.
  static Num findLatest(const Row &row, Num place, Num end, bool descending) {
    Num latest = place;
    for (int64_t child : {1, 2}) {
      Num other = place * 2 + child, inside = min(other, end - 1); // to read a pair in any case
      Num isLater = precedes(row.get(latest), row.get(inside), descending);
      latest = select((other < end) & isLater, inside, latest);
    }
    return latest;
  }

  /// Swaps the pair at `place` with the latest of its children until it precedes neither. There is
  /// at least one pair.
  static Row sink(Row row, Num place, Num end, bool descending) {
    ImplicitLocOpBuilder &b = row.b;
    SmallVector<Value> start{row.values, row.indices, place,
                             findLatest(row, place, end, descending)};
    auto test = [&](ValueRange carried) { return Num(b, carried[2]) != Num(b, carried[3]); };
    auto body = [&](ValueRange carried) -> SmallVector<Value> {
      Row row(b, carried);
      Num latest(b, carried[3]);
      row.swap(Num(b, carried[2]), latest);
      return {row.values, row.indices, latest, findLatest(row, latest, end, descending)};
    };
    return Row(b, repeatWhile(b, start, test, body));
  }
};

//===----------------------------------------------------------------------===//
// top_k
//===----------------------------------------------------------------------===//

struct LowerTopK : OpRewritePattern<TopKOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TopKOp op, PatternRewriter &rewriter) const override {
    lowerRows(rewriter, op, op.getInput(), [&](Value input, Row row) {
      ImplicitLocOpBuilder &b = row.b;
      Num zero = Num::index(b, 0), k(b, getSize(b, row.values, 0));
      Num n = select(k > 0.0, Num(b, getSize(b, input, 0)), zero);
      auto offer = [&](Num i, ValueRange carried) -> SmallVector<Value> {
        Row row(b, carried);
        Num value = readElement(b, input, i.getValue());
        // The pairs so far come first of equal ones: their indices are smaller.
        Num comesIn = (i < k) | precedes(value, row.get(k - 1).value, /*descending=*/true);
        Pair pair{value, i.toInteger(getElementType(row.indices))};
        auto insert = [&] { return insertSorted(row, min(i, k - 1), pair).tensors(); };
        auto leave = [&] { return row.tensors(); };
        return ifElse(b, comesIn, ValueRange(carried).getTypes(), insert, leave);
      };
      return Row(b, forEachIndex(b, zero, n, 1, row.tensors(), offer));
    });
    return success();
  }

private:
  /// Puts the pair, which comes behind its equals, in front of those of the first `count` that it
  /// precedes; they move up by one.
  static Row insertSorted(Row row, Num count, Pair pair) {
    ImplicitLocOpBuilder &b = row.b;
    SmallVector<Value> start{row.values, row.indices, count};
    auto test = [&](ValueRange carried) {
      Num place(b, carried[2]), below = max(place - 1, Num::index(b, 0)); // to read in any case
      Num moves = precedes(pair.value, Row(b, carried).get(below).value, /*descending=*/true);
      return (place > 0.0) & moves;
    };
    auto body = [&](ValueRange carried) -> SmallVector<Value> {
      Row row(b, carried);
      Num place(b, carried[2]);
      row.set(place, row.get(place - 1));
      return {row.values, row.indices, place - 1};
    };
    auto moved = repeatWhile(b, start, test, body);
    Row made(b, moved);
    made.set(Num(b, moved[2]), pair);
    return made;
  }
};

//===----------------------------------------------------------------------===//
// nonzero
//===----------------------------------------------------------------------===//

/// Each index is written behind those of the true elements so far, and stays there if its element is true.
struct LowerNonzero : OpRewritePattern<NonzeroOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(NonzeroOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    Value mask = flatten(b, op.getMask());
    Type element = getElementType(destinations[0]);
    Num zero = Num::index(b, 0), size(b, getSize(b, mask, 0));
    auto offer = [&](Num i, ValueRange carried) -> SmallVector<Value> {
      Num count(b, carried[1]);
      Value indices = tensor::InsertOp::create(b, i.toInteger(element), carried[0], count.getValue());
      return {indices, count + select(readElement(b, mask, i.getValue()), Num::index(b, 1), zero)};
    };
    auto found = forEachIndex(b, zero, size, 1, {destinations[0], zero}, offer);
    Num count(b, found[1]);
    auto clear = [&](Num i, ValueRange carried) -> SmallVector<Value> {
      return {tensor::InsertOp::create(b, Num::constant(b, element, -1), carried[0], i.getValue())};
    };
    Value indices = forEachIndex(b, count, size, 1, found[0], clear)[0];
    Value number = tensor::InsertOp::create(b, count.toInteger(element), destinations[1], ValueRange());
    replaceInDestinations(rewriter, op, {indices, number});
    return success();
  }

private:
  static Value flatten(ImplicitLocOpBuilder &b, Value mask) {
    int64_t rank = getTensorType(mask).getRank();
    if (rank == 1)
      return mask;
    if (rank == 0)
      return tensor::ExpandShapeOp::create(b, RankedTensorType::get({1}, b.getI1Type()), mask, ArrayRef<ReassociationIndices>());
    return tensor::CollapseShapeOp::create(b, mask, {llvm::to_vector(llvm::seq(rank))});
  }
};

} // namespace

void lower::populateOrder(RewritePatternSet &patterns) {
  patterns.add<LowerSort, LowerTopK, LowerNonzero>(patterns.getContext());
}
