// linear_scan, delta_scan and selective_scan as their recurrences.
//
// 1. One parallel loop over sequences, heads and blocks of independent columns of the state (of
//    values; of channels).
// 2. Time in order. A step passes over its part of the state once (delta_scan: twice): the state is
//    updated in place and read for the output, which is summed in the state's compute type.
#include "Build.h"
#include "Patterns.h"

#include "attnc/Dialect/Attn/Attn.h"

using namespace mlir;
using namespace attnc;
using namespace attnc::attn;
using namespace attnc::lower;

namespace {

constexpr int64_t kBlock = 64;

/// The parts of the state [.., ..] and of the outputs [T, n] that a tile computes.
struct Tile {
  Slice state, outputs;
  OpFoldResult size; // n
};
/// What a step gives: its part of the state, and n outputs in the compute type.
struct Step {
  Value state, outputs;
};

/// Carries a tile's state through time.
TileWrites scanTile(ImplicitLocOpBuilder &b, const Tile &tile, ValueRange outputs,
                    function_ref<Step(Num t, Value state, Value zeros)> step) {
  Value state = tile.state.extract(b, outputs[1]), rows = tile.outputs.extract(b, outputs[0]);
  FloatType compute = getComputeType(getElementType(state));
  auto body = [&](Num t, ValueRange carried) -> SmallVector<Value> {
    Value zeros = fill(b, 0.0, allocTile(b, {kBlock}, compute, tile.size));
    Step next = step(t, carried[0], zeros);
    Slice place = Slice(b, rows).at(0, t.getValue());
    Value row = place.extract(b, carried[1]);
    AffineMap each = getDimsMap(b, 1, {0});
    Value stored = mapElement(b, next.outputs, row, {each, each},
                              [&](ArrayRef<Num> e) { return e[0].toFloat(getElementType(row)); });
    return {next.state, place.insert(b, stored, carried[1])};
  };
  Num steps(b, getSize(b, rows, 0));
  auto results = forEachIndex(b, Num::index(b, 0), steps, 1, {state, rows}, body);
  return {{results[1], tile.outputs}, {results[0], tile.state}};
}

//===----------------------------------------------------------------------===//
// linear_scan and delta_scan
//===----------------------------------------------------------------------===//

/// One step of one sequence and head: what is read at it, and the decay a_t, one number or one a
/// key dimension.
struct KeyValueStep {
  ImplicitLocOpBuilder &b;
  FloatType compute;
  Value query, key;
  std::optional<Num> decay;
  Value decays;

  /// S = a ⊙ S + k wᵀ, o = Sᵀ q, over (k, w)
  Step update(Value state, Value w, Value zeros) const {
    AffineMap all = getDimsMap(b, 2, {0, 1}), k = getDimsMap(b, 2, {0}), v = getDimsMap(b, 2, {1});
    SmallVector<Value> inputs{query, key, w};
    SmallVector<AffineMap> maps{k, k, v};
    if (decays) {
      inputs.push_back(decays);
      maps.push_back(k);
    }
    maps.append({all, v});
    auto body = [&](ArrayRef<Num> e) -> SmallVector<Num> {
      Num q = e[0].toFloat(compute), added = e[1].toFloat(compute) * e[2].toFloat(compute);
      Num s = e[inputs.size()].toFloat(compute);
      if (decays)
        s = s * e[3].toFloat(compute);
      else if (decay)
        s = s * *decay;
      s = s + added;
      return {s.toFloat(getElementType(state)), e.back() + s * q};
    };
    auto results = mapElements(b, inputs, {state, zeros}, maps, body);
    return {results[0], results[1]};
  }

  /// β (v - (a S)ᵀ k)
  Value getChange(Value state, Value value, Num beta) const {
    AffineMap all = getDimsMap(b, 2, {0, 1}), k = getDimsMap(b, 2, {0}), v = getDimsMap(b, 2, {1});
    AffineMap each = getDimsMap(b, 1, {0});
    Value expected = fill(b, 0.0, allocTile(b, {kBlock}, compute, getSize(b, value, 0)));
    expected = mapElement(b, {state, key}, expected, {all, k, v}, [&](ArrayRef<Num> e) {
      return e[2] + e[0].toFloat(compute) * e[1].toFloat(compute);
    });
    return mapElement(b, value, expected, {each, each}, [&](ArrayRef<Num> e) {
      return beta * (e[0].toFloat(compute) - (decay ? e[1] * *decay : e[1]));
    });
  }
};

/// Step 1 of both ops, given what is done at a step with its block of values.
template <typename Op>
void lowerKeyValueScan(
    PatternRewriter &rewriter, Op op,
    function_ref<Step(const KeyValueStep &, ValueRange bth, Value state, Value w, Value zeros)>
        step) {
  ImplicitLocOpBuilder b(op.getLoc(), rewriter);
  SmallVector<Value> destinations = getDestinations(rewriter, op);
  Value values = op.getValues(), decay = op.getDecay();
  FloatType compute = getComputeType(getElementType(op.getState()));
  OpFoldResult width = getSize(b, values, 3);
  auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
    OpFoldResult batch = at[0], head = at[1], first = at[2];
    OpFoldResult size = getTileSize(b, first, width, kBlock);
    Tile tile{Slice(b, outputs[1]).at(0, batch).at(1, head).range(3, first, size),
              Slice(b, outputs[0]).at(0, batch).at(2, head).range(3, first, size), size};
    return scanTile(b, tile, outputs, [&](Num t, Value state, Value zeros) {
      Value bth[] = {at[0], t, at[1]};
      auto getRow = [&](Value tensor) {
        return Slice(b, tensor).atLeading(bth).extract(b, tensor);
      };
      KeyValueStep here{
          b, compute, getRow(op.getQueries()), getRow(op.getKeys()), std::nullopt, nullptr};
      int64_t rank = decay ? getTensorType(decay).getRank() : 0;
      if (rank == 4)
        here.decays = getRow(decay);
      else if (rank != 0)
        here.decay =
            readElement(b, decay, rank == 1 ? ValueRange(at[1]) : ValueRange(bth)).toFloat(compute);
      Value w = Slice(b, values).atLeading(bth).range(3, first, size).extract(b, values);
      return step(here, bth, state, w, zeros);
    });
  };
  TileLoop loops[] = {{getSize(b, values, 0)}, {getSize(b, values, 2)}, {width, kBlock}};
  replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
}

struct LowerLinearScan : OpRewritePattern<LinearScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(LinearScanOp op, PatternRewriter &rewriter) const override {
    auto step = [](const KeyValueStep &here, ValueRange, Value state, Value value, Value zeros) {
      return here.update(state, value, zeros);
    };
    lowerKeyValueScan(rewriter, op, step);
    return success();
  }
};

struct LowerDeltaScan : OpRewritePattern<DeltaScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(DeltaScanOp op, PatternRewriter &rewriter) const override {
    auto step = [&](const KeyValueStep &here, ValueRange bth, Value state, Value value,
                    Value zeros) {
      Num beta = readElement(here.b, op.getBeta(), bth).toFloat(here.compute);
      return here.update(state, here.getChange(state, value, beta), zeros);
    };
    lowerKeyValueScan(rewriter, op, step);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// selective_scan
//===----------------------------------------------------------------------===//

struct LowerSelectiveScan : OpRewritePattern<SelectiveScanOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(SelectiveScanOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> destinations = getDestinations(rewriter, op);
    OpFoldResult width = getSize(b, op.getInput(), 2);
    auto body = [&](ValueRange at, ValueRange outputs) -> TileWrites {
      OpFoldResult first = at[1], size = getTileSize(b, first, width, kBlock);
      Tile tile{Slice(b, outputs[1]).at(0, at[0]).range(1, first, size),
                Slice(b, outputs[0]).at(0, at[0]).range(2, first, size), size};
      Value rates = Slice(b, op.getA()).range(0, first, size).extract(b, op.getA());
      return scanTile(b, tile, outputs, [&](Num t, Value state, Value zeros) {
        Value bt[] = {at[0], t};
        auto getRow = [&](Value tensor) {
          return Slice(b, tensor).atLeading(bt).extract(b, tensor);
        };
        auto getBlock = [&](Value tensor) {
          return Slice(b, tensor).atLeading(bt).range(2, first, size).extract(b, tensor);
        };
        return update(b,
                      {getBlock(op.getInput()), getBlock(op.getDelta()), rates, getRow(op.getB()),
                       getRow(op.getC())},
                      state, zeros);
      });
    };
    TileLoop loops[] = {{getSize(b, op.getInput(), 0)}, {width, kBlock}};
    replaceInDestinations(rewriter, op, forEachTile(b, loops, destinations, body));
    return success();
  }

private:
  /// h = exp(Δ A) h + Δ B x, y = Σ C h, over (d, n). Inputs: x, Δ, A, B, C.
  static Step update(ImplicitLocOpBuilder &b, ValueRange inputs, Value state, Value zeros) {
    AffineMap all = getDimsMap(b, 2, {0, 1}), d = getDimsMap(b, 2, {0}), n = getDimsMap(b, 2, {1});
    FloatType compute = getComputeType(getElementType(state));
    auto body = [&](ArrayRef<Num> e) -> SmallVector<Num> {
      Num x = e[0].toFloat(compute), delta = e[1].toFloat(compute), rate = e[2].toFloat(compute);
      Num in = e[3].toFloat(compute), out = e[4].toFloat(compute), h = e[5].toFloat(compute);
      h = exp(delta * rate) * h + delta * in * x;
      return {h.toFloat(getElementType(state)), e[6] + out * h};
    };
    auto results = mapElements(b, inputs, {state, zeros}, {d, d, all, n, n, all, d}, body);
    return {results[0], results[1]};
  }
};

} // namespace

void lower::populateScans(RewritePatternSet &patterns) {
  patterns.add<LowerLinearScan, LowerDeltaScan, LowerSelectiveScan>(patterns.getContext());
}
