// The rows of a tile of queries: what is carried over the keys, and what becomes of it.
//
// For each block of keys: scores, then (softmax) the new largest score m, weights exp(s - m), and out, Σ weights (and the
// moment) scaled by exp(m_before - m). At the end out is divided by the sum. With a `post` region the sum has to be known
// before the first weight: the keys are visited without values, then again with them.
#include "Attention.h"

#include <limits>

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// A largest score to subtract: 0 where there is none.
Num orZero(Num largest) { return select(largest == -kInfinity, largest.literal(0), largest); }

Num sigmoid(Num x) { return 1.0 / (exp(0.0 - x) + 1.0); }

/// What is carried over the keys, for the queries of a tile: out [i, v] = Σ weight · value; of
/// softmax max [i], sum [i] = Σ exp(s - max) and, for the entropy, moment [i] = Σ exp(s - max) ·
/// (s - max); of sigmoid_sum sum. Null where not wanted.
struct State {
  Value out, max, sum, moment;

  SmallVector<Value *> all() {
    SmallVector<Value *> present;
    for (Value *value : {&out, &max, &sum, &moment})
      if (*value)
        present.push_back(value);
    return present;
  }
  Carried toVector() {
    Carried values;
    for (Value *value : all())
      values.push_back(*value);
    return values;
  }
  State with(ValueRange values) const {
    State result = *this;
    for (auto [to, from] : llvm::zip_equal(result.all(), values))
      *to = from;
    return result;
  }
};

/// One tile of queries.
class Tile {
public:
  Tile(ImplicitLocOpBuilder &b, AttentionOp op, QueryTile queries, int64_t queryBlock,
       int64_t keyBlock)
      : b(b), op(op), queries(queries), queryBlock(queryBlock), keyBlock(keyBlock),
        normalizer(op.getNormalizer()), compute(op.getComputeType()) {}

  /// Writes the parts of the outputs: out, lse, entropy, as far as there are.
  SmallVector<Value> run(ArrayRef<Indexed> outputs, OpFoldResult width, int64_t widest);

private:
  Value allocRows() { return allocTile(b, queryBlock, compute, getCount()); }
  OpFoldResult getCount() const { return queries.parts[AttentionOp::I].size; }
  bool isSoftmax() const { return normalizer == Normalizer::Softmax; }
  bool hasSum() const { return isSoftmax() || normalizer == Normalizer::SigmoidSum; }
  bool hasPost() { return !op.getPost().empty(); }

  Value mapRows(ValueRange inputs, Value output, ElementBody body) {
    SmallVector<AffineMap> maps(inputs.size() + 1, getDimsMap(b, 1, {0}));
    return mapElement(b, inputs, output, maps, body);
  }
  State start(Value out);
  Value getScores(const KeyTile &keys);
  State rescale(State state, function_ref<Value(Value max)> raise);
  State addSoftmax(State state, Value scores);
  State addKeys(State state, const KeyTile &keys);
  State visitKeys(State state);
  State includeSink(State state);
  Value getSinks();
  Value getTotal(const State &state);
  State weighAgain(State statistics, Value total, Value out);
  Value divide(Value out, Value total);
  Value writeLse(const State &state, Value total, const Indexed &lse);
  Value writeEntropy(const State &state, Value total, const Indexed &entropy);

  ImplicitLocOpBuilder &b;
  AttentionOp op;
  QueryTile queries;
  int64_t queryBlock, keyBlock;
  Normalizer normalizer;
  FloatType compute;
};

State Tile::start(Value out) {
  State state;
  if (out)
    state.out = fill(b, 0.0, out);
  if (isSoftmax())
    state.max = fill(b, -kInfinity, allocRows());
  if (hasSum())
    state.sum = fill(b, 0.0, allocRows());
  if (op.getEntropyInit())
    state.moment = fill(b, 0.0, allocRows());
  return state;
}

/// Raises the number that scores are relative to, in place.
State Tile::rescale(State state, function_ref<Value(Value max)> raise) {
  Value before = copy(b, state.max, allocRows());
  state.max = raise(state.max);
  Value factor = mapRows({before, state.max}, allocRows(),
                         [](ArrayRef<Num> e) { return exp(e[0] - orZero(e[1])); });
  if (state.moment)
    state.moment =
        mapRows({before, state.max, factor, state.sum}, state.moment, [](ArrayRef<Num> e) {
          Num shift = select(e[3] == 0.0, e[3].literal(0), e[3] * (e[0] - orZero(e[1])));
          return e[2] * (e[4] + shift);
        });
  state.sum = mapRows({factor}, state.sum, [](ArrayRef<Num> e) { return e[0] * e[1]; });
  if (state.out) {
    AffineMap all = b.getMultiDimIdentityMap(getTensorType(state.out).getRank());
    AffineMap row = getDimsMap(b, all.getNumDims(), {0});
    state.out =
        mapElement(b, factor, state.out, {row, all}, [](ArrayRef<Num> e) { return e[0] * e[1]; });
  }
  return state;
}

/// The scores [i, j] of a tile become weights, and what is carried takes them in.
State Tile::addSoftmax(State state, Value scores) {
  AffineMap all = getDimsMap(b, 2, {0, 1}), row = getDimsMap(b, 2, {0});
  state = rescale(state, [&](Value max) {
    return mapElement(b, scores, max, {all, row},
                      [](ArrayRef<Num> e) { return lower::max(e[0], e[1]); });
  });
  if (state.moment)
    state.moment =
        mapElement(b, {scores, state.max}, state.moment, {all, row, row}, [](ArrayRef<Num> e) {
          Num x = e[0] - orZero(e[1]);
          return e[2] + select(x == -kInfinity, x.literal(0), exp(x) * x);
        });
  return state;
}

/// One block of keys.
State Tile::addKeys(State state, const KeyTile &keys) {
  Value tile = allocTile(b, {queryBlock, keyBlock}, compute, {getCount(), keys.size});
  Value products = computeProducts(b, op, queries, keys, tile);
  AffineMap all = getDimsMap(b, 2, {0, 1}), row = getDimsMap(b, 2, {0});
  Value weights;
  if (isSoftmax()) {
    Value scores = weighProducts(b, op, queries, keys, products, {}, -kInfinity, /*post=*/false,
                                 [](Num score, ArrayRef<Num>) { return score; });
    state = addSoftmax(state, scores);
    weights = mapElement(b, state.max, scores, {row, all},
                         [](ArrayRef<Num> e) { return exp(e[1] - orZero(e[0])); });
  } else {
    weights = weighProducts(b, op, queries, keys, products, {}, 0.0, /*post=*/!hasSum(),
                            [&](Num score, ArrayRef<Num>) {
                              return normalizer == Normalizer::Identity ? score : sigmoid(score);
                            });
  }
  if (hasSum())
    state.sum =
        mapElement(b, weights, state.sum, {all, row}, [](ArrayRef<Num> e) { return e[1] + e[0]; });
  if (state.out)
    state.out = addValues(b, op, keys, weights, state.out);
  return state;
}

State Tile::visitKeys(State state) {
  return state.with(forEachKeyTile(b, op, queries, keyBlock, state.toVector(),
                                   [&](const KeyTile &keys, ValueRange carried) {
                                     return addKeys(state.with(carried), keys).toVector();
                                   }));
}

/// The learned sink of each row's head, a score without a value: [i] or a scalar.
Value Tile::getSinks() {
  return getIndexed(op, *op.getSinkMutable().begin()).cut(b, queries.parts).tensor;
}

State Tile::includeSink(State state) {
  if (!op.getSink())
    return state;
  Num sink = readElement(b, getSinks()).toFloat(compute);
  return rescale(state, [&](Value max) {
    return mapRows({}, max, [&](ArrayRef<Num> e) { return lower::max(sink, e[0]); });
  });
}

/// The denominator, [i].
Value Tile::getTotal(const State &state) {
  if (!op.getSink())
    return state.sum;
  Num sink = readElement(b, getSinks()).toFloat(compute);
  return mapRows({state.max, state.sum}, allocRows(),
                 [&](ArrayRef<Num> e) { return e[1] + exp(sink - orZero(e[0])); });
}

/// The second time over the keys, with the row's denominator known.
State Tile::weighAgain(State statistics, Value total, Value out) {
  SmallVector<Value> rows{total};
  if (isSoftmax())
    rows.push_back(statistics.max);
  auto weigh = [&](Num score, ArrayRef<Num> row) {
    Num weight = isSoftmax() ? exp(score - orZero(row[1])) : sigmoid(score);
    return select(row[0] == 0.0, weight.literal(0), weight / row[0]);
  };
  auto body = [&](const KeyTile &keys, ValueRange carried) -> Carried {
    Value tile = allocTile(b, {queryBlock, keyBlock}, compute, {getCount(), keys.size});
    Value products = computeProducts(b, op, queries, keys, tile);
    Value weights = weighProducts(b, op, queries, keys, products, rows, 0.0, /*post=*/true, weigh);
    return {addValues(b, op, keys, weights, carried[0])};
  };
  statistics.out = forEachKeyTile(b, op, queries, keyBlock, {fill(b, 0.0, out)}, body).front();
  return statistics;
}

Value Tile::divide(Value out, Value total) {
  AffineMap all = b.getMultiDimIdentityMap(getTensorType(out).getRank());
  AffineMap row = getDimsMap(b, all.getNumDims(), {0});
  return mapElement(b, total, out, {row, all}, [](ArrayRef<Num> e) {
    return select(e[0] == 0.0, e[0].literal(0), e[1] / e[0]);
  });
}

Value Tile::writeLse(const State &state, Value total, const Indexed &lse) {
  AffineMap row = getDimsMap(b, 1, {0});
  return mapElement(b, {state.max, total}, lse.tensor, {row, row, lse.getMap(b, AttentionOp::I)},
                    [](ArrayRef<Num> e) { return orZero(e[0]) + log(e[1]); });
}

/// -Σ p log p, with p = exp(s - max) / total.
Value Tile::writeEntropy(const State &state, Value total, const Indexed &entropy) {
  AffineMap row = getDimsMap(b, 1, {0});
  return mapElement(b, {total, state.sum, state.moment}, entropy.tensor,
                    {row, row, row, entropy.getMap(b, AttentionOp::I)}, [](ArrayRef<Num> e) {
                      Num entropy = (e[1] * log(e[0]) - e[2]) / e[0];
                      return select(e[0] == 0.0, e[0].literal(0), entropy);
                    });
}

SmallVector<Value> Tile::run(ArrayRef<Indexed> outputs, OpFoldResult width, int64_t widest) {
  bool twice = hasPost() && hasSum();
  SmallVector<Dim> dims{AttentionOp::I};
  SmallVector<int64_t> shape{queryBlock};
  SmallVector<OpFoldResult> sizes{getCount()};
  if (outputs[0].has(AttentionOp::V)) {
    dims.push_back(AttentionOp::V);
    shape.push_back(widest);
    sizes.push_back(width);
  }
  Value accumulator = allocTile(b, shape, compute, sizes), total;
  State state = includeSink(visitKeys(start(twice ? Value() : accumulator)));
  if (hasSum())
    total = getTotal(state);
  if (twice)
    state = weighAgain(state, total, accumulator);
  else if (hasSum())
    state.out = divide(state.out, total);
  Type element = getElementType(outputs[0].tensor);
  SmallVector<Value> written{
      mapElement(b, state.out, outputs[0].tensor,
                 {b.getMultiDimIdentityMap(dims.size()), outputs[0].getMap(b, dims)},
                 [&](ArrayRef<Num> e) { return e[0].toFloat(element); })};
  if (op.getLseInit())
    written.push_back(writeLse(state, total, outputs[1]));
  if (op.getEntropyInit())
    written.push_back(writeEntropy(state, total, outputs.back()));
  return written;
}

} // namespace

SmallVector<Value> attnc::lower::computeQueryTile(ImplicitLocOpBuilder &b, AttentionOp op, const QueryTile &queries,
                                                  const LowerAttnOptions &blocks, ArrayRef<Indexed> outputs,
                                                  OpFoldResult width, int64_t widest) {
  return Tile(b, op, queries, blocks.queryBlock, blocks.keyBlock).run(outputs, width, widest);
}
