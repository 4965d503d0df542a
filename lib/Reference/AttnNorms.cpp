// attn: normalisation, rotary embedding and rings.
#include "Internal.h"

#include "attnc/Dialect/Attn/Attn.h"
#include <cmath>

using namespace mlir;

namespace attnc::reference {

//===----------------------------------------------------------------------===//
// Normalisation over the last dimension
//===----------------------------------------------------------------------===//

/// Element c of an optional [d] operand.
static double elementOr(const std::optional<Value> &vector, int64_t c, double otherwise) {
  return vector ? vector->elements()[c].f : otherwise;
}

static std::optional<Value> optional(mlir::Value value, Frame &frame) {
  return value ? std::optional(frame[value]) : std::nullopt;
}

static LogicalResult checkWidth(Operation *op, const std::optional<Value> &vector, int64_t width,
                                Frame &frame) {
  if (vector && vector->shape()[0] != width)
    return frame.error(op, "expected " + Twine(width) + " elements in weight and bias, found " +
                               Twine(vector->shape()[0]));
  return success();
}

/// y = (x - mean) / √(var + eps) · weight + bias
static LogicalResult evaluateLayerNorm(attn::LayerNormOp op, Frame &frame) {
  Tensor tensor = frame[op.getInput()].tensor();
  auto weight = optional(op.getWeight(), frame), bias = optional(op.getBias(), frame);
  int64_t d = tensor.shape.back();
  if (failed(checkWidth(op, weight, d, frame)) || failed(checkWidth(op, bias, d, frame)))
    return failure();
  double eps = op.getEps().convertToDouble();
  for (Scalar *x = tensor.elements.data(), *end = x + tensor.elements.size(); x != end; x += d) {
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < d; ++c)
      mean += x[c].f / d;
    for (int64_t c = 0; c < d; ++c)
      variance += (x[c].f - mean) * (x[c].f - mean) / d;
    for (int64_t c = 0; c < d; ++c)
      x[c].f = (x[c].f - mean) / std::sqrt(variance + eps) * elementOr(weight, c, 1) +
               elementOr(bias, c, 0);
  }
  frame.set(op, std::move(tensor));
  return success();
}

/// y = x / √(mean(x²) + eps) · weight
static LogicalResult evaluateRmsNorm(attn::RmsNormOp op, Frame &frame) {
  Tensor tensor = frame[op.getInput()].tensor();
  auto weight = optional(op.getWeight(), frame);
  int64_t d = tensor.shape.back();
  if (failed(checkWidth(op, weight, d, frame)))
    return failure();
  double eps = op.getEps().convertToDouble();
  for (Scalar *x = tensor.elements.data(), *end = x + tensor.elements.size(); x != end; x += d) {
    double square = 0;
    for (int64_t c = 0; c < d; ++c)
      square += x[c].f * x[c].f / d;
    for (int64_t c = 0; c < d; ++c)
      x[c].f = x[c].f / std::sqrt(square + eps) * elementOr(weight, c, 1);
  }
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Rotary embedding
//===----------------------------------------------------------------------===//

namespace {
/// The position of a point of the input: counted along one dimension, or given for all of `along`.
struct Positions {
  ArrayRef<int64_t> along;
  int64_t offset = 0;
  std::optional<Value> given;

  int64_t at(ArrayRef<int64_t> point) const {
    if (!given)
      return offset + point[along[0]];
    int64_t index = 0;
    for (auto [dim, size] : llvm::zip_equal(along, given->shape()))
      index = index * size + point[dim];
    return given->elements()[index].i;
  }
};
} // namespace

/// θ_c = base^(-2c/n), or as given.
static FailureOr<SmallVector<double>> frequenciesOf(attn::RotaryOp op, int64_t width,
                                                    Frame &frame) {
  SmallVector<double> frequencies;
  if (op.getFrequencies()) {
    for (Scalar frequency : frame[op.getFrequencies()].elements())
      frequencies.push_back(frequency.f);
    if (static_cast<int64_t>(frequencies.size()) != width / 2)
      return frame.error(op, "expected " + Twine(width / 2) + " frequencies, found " +
                                 Twine(frequencies.size()));
    return frequencies;
  }
  for (int64_t c = 0; c < width / 2; ++c)
    frequencies.push_back(std::pow(op.getBase()->convertToDouble(), -2.0 * c / width));
  return frequencies;
}

static LogicalResult evaluateRotary(attn::RotaryOp op, Frame &frame) {
  Tensor tensor = frame[op.getInput()].tensor();
  int64_t d = tensor.shape.back(), width = op.getWidth().value_or(d);
  if (width % 2 || width > d)
    return frame.error(op, "expected an even width within " + Twine(d) + ", found " + Twine(width));
  auto frequencies = frequenciesOf(op, width, frame);
  if (failed(frequencies))
    return failure();
  Positions positions{op.getAlong(), op.getOffset() ? frame.integer(op.getOffset()) : 0,
                      optional(op.getPositions(), frame)};
  if (positions.given)
    for (auto [dim, size] : llvm::zip_equal(positions.along, positions.given->shape()))
      if (tensor.shape[dim] != size)
        return frame.error(op, "expected positions for dimension " + Twine(dim) + " of " +
                                   Twine(tensor.shape[dim]) + " elements, found " + Twine(size));
  bool interleaved = op.getLayout() == attn::RotaryLayout::Interleaved;
  double factor = op.getFactor() ? op.getFactor()->convertToDouble() : 1;
  Scalar *x = tensor.elements.data();
  (void)forEachPoint(ArrayRef(tensor.shape).drop_back(), [&](ArrayRef<int64_t> point) {
    int64_t position = positions.at(point);
    for (auto [c, frequency] : llvm::enumerate(*frequencies)) {
      double angle = position * frequency;
      double cos = std::cos(angle) * factor, sin = std::sin(angle) * factor;
      double &first = x[interleaved ? 2 * c : c].f;
      double &second = x[interleaved ? 2 * c + 1 : c + width / 2].f;
      double turned = first * cos - second * sin;
      second = second * cos + first * sin;
      first = turned;
    }
    x += d;
    return success();
  });
  frame.set(op, std::move(tensor));
  return success();
}

//===----------------------------------------------------------------------===//
// Rings
//===----------------------------------------------------------------------===//

/// The slot of row t of the sequence.
static int64_t slotOf(int64_t t, int64_t capacity, int64_t pinned) {
  return t < pinned ? t : pinned + (t - pinned) % (capacity - pinned);
}

static LogicalResult evaluateRingAppend(attn::RingAppendOp op, Frame &frame) {
  Value rows = frame[op.getRows()];
  Tensor ring = frame[op.getRing()].tensor();
  unsigned along = op.getAlong();
  int64_t capacity = ring.shape[along], count = frame.integer(op.getCount()),
          pinned = op.getPinned();
  SmallVector<int64_t> expected = ring.shape;
  expected[along] = rows.shape()[along];
  if (rows.shape() != ArrayRef(expected))
    return frame.error(op, "expected rows of shape " + shapeText(expected) + ", found " +
                               shapeText(rows.shape()));
  if (count < 0 || pinned >= capacity)
    return frame.error(op, "expected a count of at least 0 and fewer pinned rows than " +
                               Twine(capacity) + ", found " + Twine(count) + " and " +
                               Twine(pinned));
  auto when = optional(op.getWhen(), frame);
  SmallVector<int64_t> strides = rowMajorStrides(ring.shape);
  const Scalar *next = rows.elements().data();
  (void)forEachPoint(rows.shape(), [&](ArrayRef<int64_t> point) {
    Scalar element = *next++;
    int64_t entry = 0;
    if (when)
      for (auto [dim, size] : llvm::enumerate(when->shape()))
        entry = entry * size + point[dim];
    if (when && !when->elements()[entry].i)
      return success();
    int64_t offset = 0;
    for (auto [dim, index, stride] : llvm::enumerate(point, strides))
      offset += stride * (dim == along ? slotOf(count + index, capacity, pinned) : index);
    ring.elements[offset] = element;
    return success();
  });
  frame.set(op, std::move(ring));
  return success();
}

void addAttnNorms(Handlers &handlers) {
  handlers.add<attn::LayerNormOp>(evaluateLayerNorm);
  handlers.add<attn::RmsNormOp>(evaluateRmsNorm);
  handlers.add<attn::RotaryOp>(evaluateRotary);
  handlers.add<attn::RingAppendOp>(evaluateRingAppend);
}

} // namespace attnc::reference
