// Pieces that are scans: linear, delta, selective.
#include "Generator.h"

namespace attnc::fuzz {

namespace {

/// Tokens [b, t, n · m] as [b, t, n, m].
Value split(Generator &g, const Value &x, int64_t n, int64_t m) {
  Type type = g.tensor({g.scope.batch, g.scope.length, n, m});
  return g.op(type, "tensor.expand_shape ", x, " [[0], [1], [2, 3]] output_shape [", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ", ", text(n, ", ", m), "] : ",
              x.type, " into ", type);
}

Value merge(Generator &g, const Value &x) {
  Type type = g.tokens(x.shape()[2].fixed * x.shape()[3].fixed);
  return g.op(type, "tensor.collapse_shape ", x, " [[0], [1], [2, 3]] : ", x.type, " into ", type);
}

Value scaled(Generator &g, const Value &x, double factor, double shift) {
  return g.map({x}, g.real, [&](const std::vector<Value> &e) {
    Value part = g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(factor), " : ", g.real);
    return g.op(e[0].type, "arith.addf ", part, ", ", g.number(shift), " : ", g.real);
  });
}

/// Numbers in 0.25 .. 0.75, from tokens.
Value rate(Generator &g, const Value &x, int64_t width) { return scaled(g, g.squash(g.linear(x, width)), 0.25, 0.5); }

/// What a scan starts from: zeros, an argument, a state that outlives the call.
Value start(Generator &g, const Type &type, bool &kept) {
  kept = false;
  if (g.scope.batch.value != "%B" || g.random.chance(0.3))
    return g.filled(type, 0);
  Value state = g.argument(type, {Fill::Normal});
  kept = g.scope.depth == 0 && g.random.chance(0.5);
  return state;
}

void keep(Generator &g, const Value &last, const Value &from, bool kept) {
  if (kept)
    g.output(last, g.newState(from));
  else
    g.output(last);
}

Value writeLinearScan(Generator &g, Value x) {
  g.feature("linear_scan");
  int64_t heads = g.random.between(1, 3), key = g.random.between(1, 5), value = g.random.between(1, 6);
  Value q = split(g, g.linear(x, heads * key), heads, key), k = split(g, scaled(g, g.squash(g.linear(x, heads * key)), 0.5, 0), heads, key);
  Value v = split(g, g.linear(x, heads * value), heads, value);
  bool kept;
  Value state = start(g, g.tensor({g.scope.batch, heads, key, value}), kept), decay;
  switch (g.random.between(0, 3)) {
  case 0:
    g.feature("linear_scan without decay");
    break;
  case 1:
    decay = g.weight({heads}, {Fill::Uniform, 0.5, 0.99});
    break;
  case 2:
    decay = rate(g, x, heads);
    break;
  default:
    decay = split(g, rate(g, x, heads * key), heads, key);
  }
  Value out = g.fresh(v.type), last = g.fresh(state.type);
  g.line(out, ", ", last, " = attn.linear_scan ", q, ", ", k, ", ", v, " state(", state, ")", decay.name.empty() ? "" : text(" decay(", decay, " : ", decay.type, ")"), " : ", q.type,
         ", ", k.type, ", ", v.type, ", ", state.type);
  keep(g, last, state, kept);
  return merge(g, out);
}

Value writeDeltaScan(Generator &g, Value x) {
  g.feature("delta_scan");
  int64_t heads = g.random.between(1, 3), key = g.random.between(1, 4), value = g.random.between(1, 6);
  Value q = split(g, g.linear(x, heads * key), heads, key), k = split(g, scaled(g, g.squash(g.linear(x, heads * key)), 0.5, 0), heads, key);
  Value v = split(g, g.linear(x, heads * value), heads, value), beta = rate(g, x, heads);
  bool kept;
  Value state = start(g, g.tensor({g.scope.batch, heads, key, value}), kept), decay;
  if (g.random.chance(0.5))
    decay = rate(g, x, heads);
  Value out = g.fresh(v.type), last = g.fresh(state.type);
  g.line(out, ", ", last, " = attn.delta_scan ", q, ", ", k, ", ", v, " state(", state, ") beta(", beta, " : ", beta.type, ")",
         decay.name.empty() ? "" : text(" decay(", decay, " : ", decay.type, ")"), " : ", q.type, ", ", k.type, ", ", v.type, ", ", state.type);
  keep(g, last, state, kept);
  return merge(g, out);
}

Value writeSelectiveScan(Generator &g, Value x) {
  g.feature("selective_scan");
  int64_t channels = g.random.pick({1, 3, 4, 8}), states = g.random.between(1, 5);
  Value input = g.linear(x, channels), delta = rate(g, x, channels), a = g.weight({channels, states}, {Fill::Uniform, -2, -0.1});
  Value b = g.linear(x, states), c = g.linear(x, states);
  bool kept;
  Value state = start(g, g.tensor({g.scope.batch, channels, states}), kept);
  Value out = g.fresh(input.type), last = g.fresh(state.type);
  g.line(out, ", ", last, " = attn.selective_scan ", input, ", ", delta, ", ", a, ", ", b, ", ", c, " state(", state, ") : ", input.type, ", ", delta.type, ", ", a.type, ", ", b.type, ", ",
         c.type, ", ", state.type);
  keep(g, last, state, kept);
  return out;
}

} // namespace

std::vector<Piece> scanPieces() {
  return {{"linear scan", 4, writeLinearScan}, {"delta scan", 3, writeDeltaScan}, {"selective scan", 3, writeSelectiveScan}};
}

} // namespace attnc::fuzz
