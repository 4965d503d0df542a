// attn.attention by online softmax: memory does not grow with the number of keys.
//
// One parallel loop over b, g, r and blocks of queries; in it the keys of all sources, a block at once
// (AttentionRows.cpp). Formulas: models.md C, "Rules for all".
#include "Attention.h"
#include "Patterns.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

/// The widest value whose accumulator is one tile; wider ones, and those of dynamic width, are made
/// in parts.
constexpr int64_t kMaxWidth = 512;

//===----------------------------------------------------------------------===//
// The pattern
//===----------------------------------------------------------------------===//

/// The lowering of one op.
class Lowering {
public:
  Lowering(PatternRewriter &rewriter, AttentionOp op, const LowerAttnOptions &blocks)
      : b(op.getLoc(), rewriter), rewriter(rewriter), op(op), blocks(blocks) {}

  void run() {
    for (OpOperand &init : op.getDpsInitsMutable())
      outputs.push_back(getIndexed(op, init));
    SmallVector<TileLoop> loops = getLoops();
    SmallVector<Value> results =
        forEachTile(b, loops, getInitial(), [&](ValueRange indices, ValueRange arguments) {
          for (auto [output, argument] : llvm::zip_equal(outputs, arguments))
            output.tensor = argument;
          return computeTile(indices);
        });
    replaceInDestinations(rewriter, op, results);
  }

private:
  SmallVector<Value> getInitial() {
    SmallVector<Value> initial;
    for (auto [result, output] : llvm::zip_equal(op->getResults(), outputs))
      initial.push_back(getUpdatedDestination(rewriter, result, output.tensor));
    return initial;
  }

  /// b, g, r and i as far as the outputs have them, and the b of packed queries.
  SmallVector<TileLoop> getLoops() {
    SmallVector<TileLoop> loops;
    for (Dim dim : {AttentionOp::B, AttentionOp::G, AttentionOp::R, AttentionOp::I}) {
      if (!outputs[0].has(dim) && !(dim == AttentionOp::B && op.getQueryRows()))
        continue;
      looped.push_back(dim);
      OpFoldResult extent = op.getExtent(b, b.getLoc(), dim);
      if (dim == AttentionOp::I && op.getQueryRows())
        extent = getLongest().getValue();
      loops.push_back({extent, dim == AttentionOp::I ? blocks.queryBlock : 1});
    }
    return loops;
  }

  /// Sequence b of packed queries: its first row and how many there are.
  std::pair<Num, Num> getSequence(Num sequence) {
    Num all(b, op.getExtent(b, b.getLoc(), AttentionOp::I)), zero = Num::index(b, 0);
    Value rows = op.getQueryRows();
    Num first = min(max(readElement(b, rows, sequence.getValue()).toIndex(), zero), all);
    Num end = min(max(readElement(b, rows, (sequence + 1.0).getValue()).toIndex(), first), all);
    return {first, end - first};
  }

  Num getLongest() {
    Num count(b, op.getExtent(b, b.getLoc(), AttentionOp::B)), zero = Num::index(b, 0);
    auto body = [&](Num sequence, ValueRange longest) -> SmallVector<Value> {
      return {max(Num(b, longest[0]), getSequence(sequence).second)};
    };
    return {b, forEachIndex(b, zero, count, 1, zero.getValue(), body)[0]};
  }

  QueryTile getQueries(ValueRange indices) {
    Parts parts;
    Num zero = Num::index(b, 0), first = zero;
    for (Dim dim : {AttentionOp::B, AttentionOp::G, AttentionOp::R})
      parts[dim] = Part::index(b.getIndexAttr(0));
    parts[AttentionOp::I] = Part::range(b.getIndexAttr(0), b.getIndexAttr(1));
    for (auto [dim, index] : llvm::zip_equal(looped, indices)) {
      if (dim != AttentionOp::I) {
        parts[dim] = Part::index(index);
        continue;
      }
      first = {b, index};
      if (!op.getQueryRows()) {
        OpFoldResult extent = op.getExtent(b, b.getLoc(), dim);
        parts[dim] = Part::range(index, getTileSize(b, index, extent, blocks.queryBlock));
        continue;
      }
      auto [start, length] = getSequence(Num(b, parts[AttentionOp::B].offset));
      Num left = max(length - first, zero);
      parts[dim] =
          Part::range((start + first).getValue(), min(left, Num::index(b, blocks.queryBlock)).getValue());
    }
    return {parts, first};
  }

  TileWrites computeTile(ValueRange indices) {
    QueryTile queries = getQueries(indices);
    SmallVector<Slice, 3> places;
    SmallVector<Indexed> pieces;
    for (const Indexed &output : outputs) {
      places.push_back(output.slice(b, queries.parts));
      pieces.push_back(output.cut(b, queries.parts));
    }
    TileWrites writes;
    for (auto [piece, place] : llvm::zip_equal(computeWidths(queries, pieces), places))
      writes.push_back({piece, place});
    return writes;
  }

  /// The tile, in parts of a static width.
  SmallVector<Value> computeWidths(const QueryTile &queries, ArrayRef<Indexed> pieces) {
    OpFoldResult extent = op.getExtent(b, b.getLoc(), AttentionOp::V);
    std::optional<int64_t> width = getConstantIntValue(extent);
    if (width && *width <= kMaxWidth)
      return computeQueryTile(b, op, queries, blocks, pieces, extent, *width);
    SmallVector<Value> carried;
    for (const Indexed &piece : pieces)
      carried.push_back(piece.tensor);
    // Without columns there still may be a log-sum-exp to write.
    Num one = Num::index(b, 1), end = max(Num(b, extent), one);
    auto body = [&](Num v, ValueRange tensors) {
      return computeWidth(queries, pieces, tensors, v, extent);
    };
    return forEachIndex(b, Num::index(b, 0), end, kMaxWidth, carried, body);
  }

  SmallVector<Value> computeWidth(QueryTile queries, ArrayRef<Indexed> pieces, ValueRange tensors,
                                  Num v, OpFoldResult extent) {
    OpFoldResult width = getTileSize(b, v.getValue(), extent, kMaxWidth);
    Parts columns;
    columns[AttentionOp::V] = queries.parts[AttentionOp::V] = Part::range(v.getValue(), width);
    SmallVector<Indexed> parts;
    SmallVector<Slice, 3> places;
    for (auto [piece, tensor] : llvm::zip_equal(pieces, tensors)) {
      Indexed current{tensor, piece.indices};
      places.push_back(current.slice(b, columns));
      parts.push_back(current.cut(b, columns));
    }
    SmallVector<Value> results = computeQueryTile(b, op, queries, blocks, parts, width, kMaxWidth);
    for (auto [result, place, tensor] : llvm::zip_equal(results, places, tensors))
      result = place.insert(b, result, tensor);
    return results;
  }

  ImplicitLocOpBuilder b;
  PatternRewriter &rewriter;
  AttentionOp op;
  const LowerAttnOptions &blocks;
  SmallVector<Indexed> outputs;
  SmallVector<Dim> looped;
};

struct LowerAttention : OpRewritePattern<AttentionOp> {
  LowerAttention(MLIRContext *context, const LowerAttnOptions &options)
      : OpRewritePattern(context), options(options) {}

  LogicalResult matchAndRewrite(AttentionOp op, PatternRewriter &rewriter) const override {
    Lowering(rewriter, op, options).run();
    return success();
  }

  LowerAttnOptions options;
};

} // namespace

void lower::populateAttention(RewritePatternSet &patterns, const LowerAttnOptions &options) {
  patterns.add<LowerAttention>(patterns.getContext(), options);
}
