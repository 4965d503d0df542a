// attn.attention as its formula: for each batch, head and query, over the keys of all sources,
//
//   s = score(scale · Σ_d q·k),  p = normaliser(s over the visible keys),  out = Σ_j post(p)·val
#include "AttentionOperands.h"

#include <cmath>

using namespace mlir;

namespace attnc::reference {

using attn::AttentionOp;

namespace {

/// A visible key of the current row; its score, then its weight.
struct Key {
  KeySource *source;
  int64_t j; // counted in its sequence
  double weight;
};

class Attention : AttentionOperands {
public:
  using AttentionOperands::AttentionOperands;
  LogicalResult evaluate();

private:
  std::pair<int64_t, int64_t> keysOf(const KeySource &source, int64_t b);
  LogicalResult evaluateRow(Point point);
  LogicalResult collect(KeySource &source, Point &point);
  LogicalResult applyPost(Point &point);
  LogicalResult readArguments(const KeySource &source, const Point &point, int64_t j);
  std::optional<Point> keyPoint(const KeySource &source, const Point &point, int64_t j);
  double product(const KeySource &source, const Point &point, const Point &at);
  void normalize(double sink);
  LogicalResult write(const Point &point);

  Tensor outputs, lseOutputs, entropyOutputs;

  // Of the current row.
  int64_t batch = 0, firstQuery = 0;
  std::vector<Key> keys;
  SmallVector<Scalar> arguments; // of regions: score, b, h, i, j, n, captures
  double logSum = 0, rowEntropy = 0;
};

} // namespace

/// The first key of a sequence, as an index of the tensors, and how many there are.
std::pair<int64_t, int64_t> Attention::keysOf(const KeySource &source, int64_t b) {
  if (source.rows.isTensor()) {
    int64_t first = source.rows.elements()[b].i;
    return {first, source.rows.elements()[b + 1].i - first};
  }
  int64_t count = source.extent.value_or(1);
  if (source.valid.elementType()) {
    bool each = source.valid.isTensor() && source.validMap.getNumResults() > 0;
    int64_t at = each && isa<AffineDimExpr>(source.validMap.getResult(0)) ? b : 0;
    count = std::clamp<int64_t>(source.valid.flat()[at].i, 0, count);
  }
  return {0, count};
}

/// Where a key and its value are: j of a paged source leads through the table. Nothing where the pool
/// has no such page.
std::optional<Point> Attention::keyPoint(const KeySource &source, const Point &point, int64_t j) {
  Point at = point;
  if (!source.isPaged())
    return at;
  int64_t page =
      source.pages.content.elements()[source.pages.access.offset(point) + j / source.pageSize].i;
  at[AttentionOp::B] = page;
  at[AttentionOp::J] = j % source.pageSize;
  auto keyMap = op.getMap(*op.getSources()[source.number].key);
  for (auto [dim, expr] : llvm::enumerate(keyMap.getResults()))
    if (expr == getAffineDimExpr(AttentionOp::B, op.getContext()) &&
        (page < 0 || page >= source.key.content.shape()[dim]))
      return std::nullopt;
  return at;
}

/// Σ_d q · k.
double Attention::product(const KeySource &source, const Point &point, const Point &at) {
  const Scalar *q = query.content.elements().data() + query.access.offset(point);
  const Scalar *k = source.key.content.elements().data() + source.key.access.offset(at);
  int64_t stepQ = query.access.step(AttentionOp::D), stepK = source.key.access.step(AttentionOp::D);
  double sum = 0;
  for (int64_t d = 0; d < extent(AttentionOp::D); ++d)
    sum += q[d * stepQ].f * k[d * stepK].f;
  return sum;
}

/// b, h, positions i and j, n and captures, for the regions.
LogicalResult Attention::readArguments(const KeySource &source, const Point &point, int64_t j) {
  int64_t head = point[AttentionOp::G] * extent(AttentionOp::R) + point[AttentionOp::R];
  int64_t i = queryPositions.integerOr(point, point[AttentionOp::I] - firstQuery + queryOffset);
  int64_t positionJ = source.positions.integerOr(point, j + source.offset);
  arguments.assign(6 + captures.size(), Scalar{.i = 0});
  for (auto [at, number] :
       llvm::enumerate(ArrayRef<int64_t>{batch, head, i, positionJ, source.number}))
    arguments[1 + at].i = number;
  for (auto [at, capture] : llvm::enumerate(captures)) {
    if (!capture.content.isTensor())
      arguments[6 + at] = capture.content.scalar();
    else if (!op.isWholeCapture(op.getCapturesMutable()[at]))
      arguments[6 + at] = capture.at(point);
  }
  return success();
}

/// Appends the visible keys of a source with their scores.
LogicalResult Attention::collect(KeySource &source, Point &point) {
  auto [first, count] = keysOf(source, batch);
  PointRegion *visible = source.mask ? &*source.mask : mask ? &*mask
                                                            : nullptr;
  for (int64_t j = 0; j < count; ++j) {
    point[AttentionOp::J] = first + j;
    if (visible || score)
      (void)readArguments(source, point, j);
    if (visible) {
      auto shown = visible->run(ArrayRef(arguments).drop_front(), {});
      if (failed(shown))
        return failure();
      if (!shown->front().i)
        continue;
    }
    std::optional<Point> at = keyPoint(source, point, j);
    if (!at)
      continue;
    double s = scale * product(source, point, *at);
    if (score) {
      arguments[0].f = s;
      auto scored = score->run(arguments, {});
      if (failed(scored))
        return failure();
      s = scored->front().f;
    }
    keys.push_back({&source, j, s});
  }
  return success();
}

/// Scores become weights. A softmax whose terms are all exp(-inf) has no weights, as a row without
/// visible keys has none.
void Attention::normalize(double sinkScore) {
  logSum = -INFINITY;
  rowEntropy = 0;
  double sum = 0, max = sinkScore;
  switch (op.getNormalizer()) {
  case attn::Normalizer::Identity:
    return;
  case attn::Normalizer::Sigmoid:
  case attn::Normalizer::SigmoidSum:
    for (Key &key : keys)
      sum += key.weight = 1 / (1 + std::exp(-key.weight));
    if (op.getNormalizer() == attn::Normalizer::SigmoidSum)
      for (Key &key : keys)
        key.weight = sum == 0 ? 0 : key.weight / sum;
    return;
  case attn::Normalizer::Softmax:
    for (const Key &key : keys)
      max = std::fmax(max, key.weight);
    if (max == -INFINITY &&
        llvm::none_of(keys, [](const Key &key) { return std::isnan(key.weight); })) {
      for (Key &key : keys)
        key.weight = 0;
      return;
    }
    sum = std::exp(sinkScore - max);
    for (Key &key : keys)
      sum += key.weight = std::exp(key.weight - max);
    logSum = max + std::log(sum);
    for (Key &key : keys) {
      key.weight /= sum;
      rowEntropy -= key.weight == 0 ? 0 : key.weight * std::log(key.weight);
    }
    return;
  }
}

LogicalResult Attention::applyPost(Point &point) {
  for (Key &key : keys) {
    point[AttentionOp::J] = keysOf(*key.source, batch).first + key.j;
    (void)readArguments(*key.source, point, key.j);
    arguments[0].f = key.weight;
    auto weight = post->run(arguments, {});
    if (failed(weight))
      return failure();
    key.weight = weight->front().f;
  }
  return success();
}

/// out = Σ_j weight · value, and what else was asked for.
LogicalResult Attention::write(const Point &row) {
  int64_t width = extent(AttentionOp::V), stepOut = output.access.step(AttentionOp::V);
  Scalar *out = outputs.elements.data() + output.access.offset(row);
  for (int64_t v = 0; v < width; ++v)
    out[v * stepOut].f = 0;
  for (const Key &key : keys) {
    Point point = row;
    point[AttentionOp::J] = keysOf(*key.source, batch).first + key.j;
    std::optional<Point> at = keyPoint(*key.source, point, key.j);
    const Indexed &value = key.source->value;
    const Scalar *from = value.content.elements().data() + value.access.offset(*at);
    int64_t step = value.access.step(AttentionOp::V);
    for (int64_t v = 0; v < width; ++v)
      out[v * stepOut].f += key.weight * from[v * step].f;
  }
  if (lse)
    lseOutputs.elements[lse.access.offset(row)].f = logSum;
  if (entropy)
    entropyOutputs.elements[entropy.access.offset(row)].f = rowEntropy;
  return success();
}

LogicalResult Attention::evaluateRow(Point point) {
  keys.clear();
  for (KeySource &source : sources)
    if (failed(collect(source, point)))
      return failure();
  normalize(sink ? sink.at(point).f : -INFINITY);
  if (post && failed(applyPost(point)))
    return failure();
  return write(point);
}

LogicalResult Attention::evaluate() {
  if (failed(read()))
    return failure();
  outputs = output.content.tensor();
  if (lse)
    lseOutputs = lse.content.tensor();
  if (entropy)
    entropyOutputs = entropy.content.tensor();
  for (batch = 0; batch < extent(AttentionOp::B); ++batch) {
    int64_t rows = extent(AttentionOp::I);
    if (queryRows.isTensor()) {
      firstQuery = queryRows.elements()[batch].i;
      rows = queryRows.elements()[batch + 1].i - firstQuery;
    }
    int64_t box[] = {extent(AttentionOp::G), extent(AttentionOp::R), rows};
    if (failed(forEachPoint(box, [&](ArrayRef<int64_t> at) {
          return evaluateRow({batch, at[0], at[1], firstQuery + at[2], 0, 0, 0});
        })))
      return failure();
  }
  SmallVector<Value> results{std::move(outputs)};
  if (lse)
    results.push_back(std::move(lseOutputs));
  if (entropy)
    results.push_back(std::move(entropyOutputs));
  return frame.set(op.getResults(), results);
}

static LogicalResult evaluateAttention(AttentionOp op, Frame &frame) {
  return Attention(op, frame).evaluate();
}

void addAttention(Handlers &handlers) { handlers.add<AttentionOp>(evaluateAttention); }

} // namespace attnc::reference
