// The analysis of masks on the blocks and tiles of an attention.
#include "AttentionTiled.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::cpu;

namespace {

/// A box of rows and keys, and what the arguments of the mask are over it.
struct BoxArguments {
  Attention &a;
  const QueryBlock &queries;
  const KeyTile &keys;
  Value firstRow, lastRow; ///< queries of the sequence
  Value firstKey, lastKey; ///< keys of the tile

  BoxArguments(Attention &a, const QueryBlock &queries, const KeyTile &keys, const Box &box) : a(a), queries(queries), keys(keys) {
    Value one = a.e.index(1);
    auto getQuery = [&](Value row) {
      Value number = a.e.add(queries.first, row);
      return a.hasOneHead() ? number : a.e.div(number, a.heads);
    };
    firstRow = getQuery(box.low);
    lastRow = getQuery(a.e.sub(box.high, one));
    firstKey = box.first;
    lastKey = a.e.sub(box.last, one);
  }

  /// Elements of an integer operand along a dimension.
  Interval read(const Operand &operand, Point point, Dim dim, Value first, Value last) {
    SmallVector<Value> at = operand.at(a.b, point);
    auto *index = llvm::find_if(operand.indices, [&](AffineExpr e) { return e.isFunctionOfDim(dim); });
    return getTableInterval(a.b, operand.buffer, at, index - operand.indices.begin(), first, last);
  }

  Point getPoint() {
    Point point;
    point[AttentionOp::B] = queries.batch;
    point[AttentionOp::G] = queries.group;
    point[AttentionOp::R] = a.e.index(0);
    return point;
  }

  Interval alongQueries(const Operand &operand) {
    return read(operand, getPoint(), AttentionOp::I, a.e.add(queries.start, firstRow), a.e.add(queries.start, lastRow));
  }
  /// By the number of the key in its sequence, which is where it is stored unless there are pages.
  Interval alongKeys(const Operand &operand) {
    Value base = keys.source->pages.buffer ? keys.first : keys.stored;
    return read(operand, getPoint(), AttentionOp::J, a.e.add(base, firstKey), a.e.add(base, lastKey));
  }

  Interval getQueries() {
    const Operand &positions = a.queryPositions;
    if (!positions.buffer) {
      auto shift = [&](Value i) { return a.queryOffset ? a.e.add(i, a.queryOffset) : i; };
      return {shift(firstRow), shift(lastRow)};
    }
    return positions.has(AttentionOp::I) ? alongQueries(positions) : Interval::of(a.e.toIndex(positions.load(a.b, getPoint())));
  }

  Interval getKeys() {
    const Operand &positions = keys.source->positions;
    if (!positions.buffer) {
      auto shift = [&](Value j) {
        Value number = a.e.add(keys.first, j);
        return keys.source->offset ? a.e.add(number, keys.source->offset) : number;
      };
      return {shift(firstKey), shift(lastKey)};
    }
    return positions.has(AttentionOp::J) ? alongKeys(positions) : Interval::of(a.e.toIndex(positions.load(a.b, getPoint())));
  }

  Interval getCapture(OpOperand &operand, const Operand &capture) {
    if (!isa<MemRefType>(capture.buffer.getType()) || a.op.isWholeCapture(operand))
      return Interval::of(capture.buffer);
    bool byRow = capture.has(AttentionOp::I), byKey = capture.has(AttentionOp::J);
    if (capture.has(AttentionOp::R) && !a.hasOneHead())
      return {};
    if (!byRow && !byKey)
      return Interval::of(capture.load(a.b, getPoint()));
    if ((byRow && byKey) || !isa<IntegerType, IndexType>(capture.getElementType()))
      return {};
    return byRow ? alongQueries(capture) : alongKeys(capture);
  }
};

} // namespace

MaskClass attnc::cpu::classify(Attention &a, const QueryBlock &queries, const KeyTile &keys, const Box &box) {
  if (!keys.source->mask)
    return {};
  BoxArguments of(a, queries, keys, box);
  MaskArguments arguments;
  arguments.batch = queries.batch;
  Value head = a.e.mul(queries.group, a.heads), lastHead = a.e.sub(a.e.add(head, a.heads), a.e.index(1));
  arguments.head = a.hasOneHead() ? Interval::of(queries.group) : Interval{head, lastHead};
  arguments.queries = of.getQueries();
  arguments.keys = of.getKeys();
  arguments.source = a.e.index(keys.source->number);
  for (auto [operand, capture] : llvm::zip_equal(a.op.getCapturesMutable(), a.captures))
    arguments.captures.push_back(of.getCapture(operand, capture));
  return analyseMask(a.b, *keys.source->mask, arguments);
}

bool attnc::cpu::readsTables(Attention &a, const SourceOperands &source) {
  if (!source.mask)
    return false;
  if (source.positions.buffer)
    return true;
  for (auto [capture, argument] : llvm::zip_equal(a.captures, source.mask->getArguments().drop_front(5)))
    if (isa<MemRefType>(capture.buffer.getType()) && capture.has(AttentionOp::J) && !argument.use_empty())
      return true;
  return llvm::any_of(source.mask->front(), llvm::IsaPred<tensor::ExtractOp>);
}
