// attn: rows by index, order and random bits.
#include "Internal.h"

#include "attnc/Dialect/Attn/Attn.h"
#include <cmath>
#include <numeric>

using namespace mlir;

namespace attnc::reference {

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

namespace {
/// A tensor [batch…, N, rest…] seen as `batches` tables of `count` rows of `width` elements.
struct Rows {
  int64_t batches, count, width;

  Rows(ArrayRef<int64_t> shape, unsigned batch)
      : batches(numElements(shape.take_front(batch))), count(shape[batch]),
        width(numElements(shape.drop_front(batch + 1))) {}
  bool contains(int64_t row) const { return row >= 0 && row < count; }
  int64_t offset(int64_t batch, int64_t row) const { return (batch * count + row) * width; }
};
} // namespace

static LogicalResult checkBatch(Operation *op, ArrayRef<int64_t> a, ArrayRef<int64_t> b,
                                unsigned batch, Frame &frame) {
  if (a.take_front(batch) != b.take_front(batch))
    return frame.error(op, "expected " + Twine(batch) + " leading dimensions in common, found " +
                               shapeText(a) + " and " + shapeText(b));
  return success();
}

/// result[batch…, n…, rest…] = source[batch…, indices[batch…, n…], rest…]
static LogicalResult evaluateGatherRows(attn::GatherRowsOp op, Frame &frame) {
  Value source = frame[op.getSource()], indices = frame[op.getIndices()];
  unsigned batch = op.getBatch();
  if (failed(checkBatch(op, source.shape(), indices.shape(), batch, frame)))
    return failure();
  Rows table(source.shape(), batch);
  SmallVector<int64_t> shape(indices.shape());
  llvm::append_range(shape, source.shape().drop_front(batch + 1));
  Tensor tensor = filled(source.elementType(), shape, {.i = 0}); // the bits of 0.0 as well
  int64_t perBatch = numElements(indices.shape().drop_front(batch));
  for (auto [at, index] : llvm::enumerate(indices.elements()))
    if (table.contains(index.i))
      std::copy_n(source.elements().data() + table.offset(at / perBatch, index.i), table.width,
                  tensor.elements.data() + at * table.width);
  frame.set(op, std::move(tensor));
  return success();
}

/// destination[batch…, indices[batch…, n], rest…] = (or +=) rows[batch…, n, rest…], in the order of
/// n
static LogicalResult evaluateScatterRows(attn::ScatterRowsOp op, Frame &frame) {
  Value rows = frame[op.getRows()], indices = frame[op.getIndices()];
  Tensor tensor = frame[op.getDestination()].tensor();
  unsigned batch = op.getBatch();
  SmallVector<int64_t> expected = tensor.shape;
  expected[batch] = rows.shape()[batch];
  if (rows.shape() != ArrayRef(expected) ||
      indices.shape() != ArrayRef(expected).take_front(batch + 1))
    return frame.error(op, "expected rows " + shapeText(expected) +
                               " and an index for each, found " + shapeText(rows.shape()) +
                               " and " + shapeText(indices.shape()));
  Rows table(tensor.shape, batch);
  bool add = op.getMode() == attn::ScatterMode::Add, floats = rows.isFloat();
  unsigned bits = widthOf(rows.elementType());
  int64_t perBatch = rows.shape()[batch];
  for (auto [at, index] : llvm::enumerate(indices.elements())) {
    if (!table.contains(index.i))
      continue;
    Scalar *to = tensor.elements.data() + table.offset(at / perBatch, index.i);
    const Scalar *from = rows.elements().data() + at * table.width;
    for (int64_t c = 0; c < table.width; ++c) {
      if (!add)
        to[c] = from[c];
      else if (floats)
        to[c].f += from[c].f;
      else
        to[c].i = wrap(to[c].i + from[c].i, bits);
    }
  }
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// The stable order of a row, NaN last.
static SmallVector<int64_t> orderOf(ArrayRef<Scalar> row, bool floats, unsigned bits,
                                    bool descending) {
  SmallVector<int64_t> order(row.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t left, int64_t right) {
    if (!floats) {
      int64_t a = asSigned(row[left].i, bits), b = asSigned(row[right].i, bits);
      return descending ? a > b : a < b;
    }
    double a = row[left].f, b = row[right].f;
    if (std::isnan(a) || std::isnan(b))
      return !std::isnan(a) && std::isnan(b);
    return descending ? a > b : a < b;
  });
  return order;
}

/// How far neighbours in the order are apart: those that are taken, and the first that is not.
static void reportGaps(Operation *op, ArrayRef<Scalar> row, ArrayRef<int64_t> order, bool floats, Frame &frame) {
  for (size_t at = 1; floats && at < order.size(); ++at)
    frame.decided(op, std::fabs(row[order[at]].f - row[order[at - 1]].f));
}

/// The first k of each row in order, as values and indices.
static LogicalResult setOrdered(Operation *op, const Value &input, int64_t k, bool descending,
                                Frame &frame) {
  int64_t count = input.shape().back();
  if (k < 0 || k > count)
    return frame.error(op, "expected k within the last dimension (" + Twine(count) + "), found " +
                               Twine(k));
  SmallVector<int64_t> shape(input.shape());
  shape.back() = k;
  Tensor values{input.elementType(), shape, {}};
  Tensor indices{getElementTypeOrSelf(op->getResult(1).getType()), shape, {}};
  for (int64_t at = 0; at < static_cast<int64_t>(input.elements().size()); at += count) {
    ArrayRef<Scalar> row = input.elements().slice(at, count);
    auto order = orderOf(row, input.isFloat(), widthOf(input.elementType()), descending);
    reportGaps(op, row, ArrayRef(order).take_front(std::min(k + 1, count)), input.isFloat(), frame);
    for (int64_t index : ArrayRef(order).take_front(k)) {
      values.elements.push_back(row[index]);
      indices.elements.push_back({.i = index});
    }
  }
  return frame.set(op->getResults(), {Value(std::move(values)), Value(std::move(indices))});
}

static LogicalResult evaluateTopK(attn::TopKOp op, Frame &frame) {
  int64_t k = op.getK() ? frame.integer(op.getK()) : op.getValues().getType().getShape().back();
  return setOrdered(op, frame[op.getInput()], k, /*descending=*/true, frame);
}

static LogicalResult evaluateSort(attn::SortOp op, Frame &frame) {
  Value input = frame[op.getInput()];
  return setOrdered(op, input, input.shape().back(), op.getDescending(), frame);
}

static LogicalResult evaluateNonzero(attn::NonzeroOp op, Frame &frame) {
  Type element = getElementTypeOrSelf(op.getIndices().getType());
  ArrayRef<Scalar> mask = frame[op.getMask()].elements();
  Tensor indices{element, {static_cast<int64_t>(mask.size())}, {}};
  for (auto [at, isTrue] : llvm::enumerate(mask))
    if (isTrue.i)
      indices.elements.push_back({.i = static_cast<int64_t>(at)});
  Tensor count{element, {}, {Scalar{.i = static_cast<int64_t>(indices.elements.size())}}};
  indices.elements.resize(mask.size(), {.i = -1});
  return frame.set(op->getResults(), {Value(std::move(indices)), Value(std::move(count))});
}

//===----------------------------------------------------------------------===//
// Random bits
//===----------------------------------------------------------------------===//

/// Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> x, uint64_t seed) {
  uint32_t k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(x[0]) * 0xD2511F53u, b = uint64_t(x[2]) * 0xCD9E8D57u;
    x = {uint32_t(b >> 32) ^ x[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ x[3] ^ k1, uint32_t(a)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return x;
}

static LogicalResult evaluateRandomBits(attn::RandomBitsOp op, Frame &frame) {
  uint32_t draw = op.getDraw() ? frame.integer(op.getDraw()) : 0;
  uint32_t step = op.getStep() ? frame.integer(op.getStep()) : 0;
  uint64_t seed = frame.integer(op.getSeed());
  auto type = cast<RankedTensorType>(op.getWords()[0].getType());
  SmallVector<int64_t> shape, sizes = frame.integers(op.getSizes());
  auto next = sizes.begin();
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? *next++ : size);
  if (llvm::any_of(shape, [](int64_t size) { return size < 0; }))
    return frame.error(op, "expected sizes of at least 0, found " + shapeText(shape));
  std::optional<Value> rows;
  if (op.getRows())
    rows = frame[op.getRows()];
  if (rows && rows->shape() != ArrayRef(shape))
    return frame.error(op, "expected a row for each of " + shapeText(shape) + ", found " +
                               shapeText(rows->shape()));
  SmallVector<Tensor> words(op.getWords().size(), filled(type.getElementType(), shape, {.i = 0}));
  for (int64_t at = 0; at < numElements(shape); ++at) {
    uint32_t row = rows ? rows->elements()[at].i : at;
    auto block = philox({draw, step, row, static_cast<uint32_t>(op.getStream())}, seed);
    for (auto [word, bits] : llvm::zip(words, block))
      word.elements[at].i = wrap(bits, 32);
  }
  for (auto [result, word] : llvm::zip_equal(op.getWords(), words))
    frame.set(result, std::move(word));
  return success();
}

void addAttnRows(Handlers &handlers) {
  handlers.add<attn::GatherRowsOp>(evaluateGatherRows);
  handlers.add<attn::ScatterRowsOp>(evaluateScatterRows);
  handlers.add<attn::TopKOp>(evaluateTopK);
  handlers.add<attn::SortOp>(evaluateSort);
  handlers.add<attn::NonzeroOp>(evaluateNonzero);
  handlers.add<attn::RandomBitsOp>(evaluateRandomBits);
}

} // namespace attnc::reference
