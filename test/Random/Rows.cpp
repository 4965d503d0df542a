// Pieces on rows: gathered, scattered, ordered, normalised, rotated, drawn.
#include "Generator.h"

namespace attnc::fuzz {

namespace {

Value half(Generator &g, const Value &x, double factor) {
  return g.map({x}, x.element(), [&](const std::vector<Value> &e) { return g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(factor, x.element()), " : ", x.element()); });
}

Value gather(Generator &g, const Value &x, const Value &indices) {
  Type type = g.tensor({x.shape()[0], indices.shape()[1], x.shape()[2]});
  g.feature("gather rows");
  return g.op(type, "attn.gather_rows ", x, "[", indices, "] batch 1 : ", x.type, ", ", indices.type, " -> ", type);
}

Value scatter(Generator &g, const Value &rows, const Value &x, const Value &indices) {
  const char *mode = g.random.chance(0.5) ? "set" : "add";
  g.feature(std::string("scatter ") + mode);
  return g.op(x.type, "attn.scatter_rows ", mode, " ", rows, " into ", x, "[", indices, "] batch 1 : ", rows.type, ", ", x.type, ", ", indices.type);
}

/// Rows by indices that the caller gives, changed and put back: some twice, some outside.
Value writeGatherScatter(Generator &g, Value x) {
  if (g.scope.batch.value != "%B" || !Generator::isNamed(g.scope.length))
    return g.linear(x, 3);
  std::string element = g.random.pick(std::vector<std::string>{"i32", "i64"});
  Value indices = g.argument(g.tensor({g.scope.batch, g.named("G", {0, 1, 3, 20})}, element), {Fill::Integers, -1, 0, {"T"}});
  Value rows = half(g, gather(g, x, indices), -0.5);
  return scatter(g, rows, x, indices);
}

/// Tokens of a vocabulary.
Value writeEmbedding(Generator &g, Value x) {
  Value table = g.weight({7, Generator::width(x)});
  if (g.scope.batch.value != "%B" || !Generator::isNamed(g.scope.length))
    return g.linear(x, 2);
  g.feature("embedding");
  Value ids = g.argument(g.tensor({g.scope.batch, g.scope.length}, "i32"), {Fill::Integers, 0, 6});
  Value rows = g.op(x.type, "attn.gather_rows ", table, "[", ids, "] : ", table.type, ", ", ids.type, " -> ", x.type);
  return g.add(x, rows);
}

/// The best tokens by a score go through a step of their own (mixture of depths).
Value writeTopTokens(Generator &g, Value x) {
  g.feature("top_k");
  Value scores = g.score(x, 2), most = g.constant(g.random.between(1, 4));
  Value k = g.op(g.index(), "arith.minsi ", most, ", ", g.sizeValue(g.scope.length), " : index");
  Type values = {"f32", {g.scope.batch, Size(k.name)}}, indices = values.withElement("i32");
  Value best = g.fresh(values), at = g.fresh(indices);
  g.line(best, ", ", at, " = attn.top_k ", scores, " k(", k, ") : ", scores.type, " -> ", values, ", ", indices);
  g.output(best);
  g.output(at);
  return scatter(g, half(g, gather(g, x, at), 0.5), x, at);
}

/// Numbers that the caller gives, many of them equal: only the order of ties tells right from wrong.
Value writeTies(Generator &g, Value x) {
  bool sorts = g.random.chance(0.5), named = g.scope.batch.value == "%B" && Generator::isNamed(g.scope.length);
  if (!named)
    return g.linear(x, 2);
  std::string element = g.random.pick(std::vector<std::string>{"f32", "i32", "f32"});
  Fill fill = element == "f32" ? Fill{Fill::Steps, -1, 1} : Fill{Fill::Integers, -3, 3};
  Type indices = g.tensor({g.scope.batch, g.scope.length}, g.random.pick(std::vector<std::string>{"i32", "i64", "index"}));
  if (sorts) {
    g.feature("sort");
    Value keys = g.argument(indices.withElement(element), fill), values = g.fresh(keys.type), at = g.fresh(indices);
    g.line(values, ", ", at, " = attn.sort ", keys, g.random.chance(0.5) ? " descending" : "", " {exact} : ", keys.type, " -> ", indices);
    g.output(values);
    g.output(at);
    return gather(g, x, at);
  }
  g.feature("top_k");
  g.feature("top_k of ties");
  Value keys = g.argument(g.tensor({g.scope.batch, 9}, element), fill);
  Type few = g.tensor({g.scope.batch, g.random.pick({1, 2, 5, 9})}, element);
  Value values = g.fresh(few), at = g.fresh(few.withElement("i32"));
  g.line(values, ", ", at, " = attn.top_k ", keys, " {exact} : ", keys.type, " -> ", few, ", ", at.type);
  g.output(values);
  g.output(at);
  return scatter(g, half(g, gather(g, x, at), 0.5), x, at);
}

/// The largest elements of each token: a token of fewer.
Value writeTopElements(Generator &g, Value x) {
  g.feature("top_k");
  Value wide = Generator::width(x) < 3 ? g.linear(x, 5) : x;
  Type type = g.tokens(g.random.between(1, 3));
  Value best = g.fresh(type), at = g.fresh(type.withElement("i64"));
  g.line(best, ", ", at, " = attn.top_k ", wide, " : ", wide.type, " -> ", type, ", ", at.type);
  return best;
}

Value writeNorm(Generator &g, Value x) {
  if (Generator::width(x) < 3)
    x = g.linear(x, 4);
  std::string parts;
  bool layer = g.random.chance(0.5);
  g.feature(layer ? "layer_norm" : "rms_norm");
  if (g.random.chance(0.6)) {
    Value weight = g.weight({Generator::width(x)}, {Fill::Uniform, 0.5, 1.5});
    parts += text(" weight(", weight, " : ", weight.type, ")");
  }
  if (layer && g.random.chance(0.5)) {
    Value bias = g.weight({Generator::width(x)}, {Fill::Normal, 0, 0.3});
    parts += text(" bias(", bias, " : ", bias.type, ")");
  }
  return g.op(x.type, "attn.", layer ? "layer_norm " : "rms_norm ", x, parts, " eps(", g.random.chance(0.5) ? "1.0e-3" : "1.0e-2", ") : ", x.type);
}

Value writeRotary(Generator &g, Value x) {
  g.feature("rotary");
  int64_t width = g.random.pick({2, 4, 6, 8}), turned = g.random.chance(0.3) ? width - 2 : width;
  Value y = g.linear(x, width);
  std::string parts, along = "[1]";
  bool named = g.scope.batch.value == "%B" && Generator::isNamed(g.scope.length);
  double where = g.random.uniform();
  if (where < 0.3) {
    parts += text(" offset(", g.argument(g.index(), {Fill::Integers, 0, 1e6}), ")");
  } else if (where < 0.6 && named) {
    g.feature("positions");
    bool both = g.random.chance(0.5);
    Value p = g.argument(g.tensor(both ? Shape{g.scope.batch, g.scope.length} : Shape{g.scope.length}, g.random.chance(0.5) ? "i64" : "i32"), {Fill::Integers, 0, 1e6});
    along = both ? "[0, 1]" : "[1]";
    parts += text(" positions(", p, " : ", p.type, ")");
  }
  if (g.random.chance(0.3)) {
    Value f = g.weight({turned / 2}, {Fill::Uniform, 0.01, 1});
    parts += text(" frequencies(", f, " : ", f.type, ")");
  } else {
    parts += g.random.chance(0.5) ? " base(1.0e4)" : " base(100.0)";
  }
  if (turned != width)
    parts += text(" width(", turned, ")");
  if (g.random.chance(0.3))
    parts += " factor(1.25)";
  return g.op(y.type, "attn.rotary ", g.random.chance(0.5) ? "half_split " : "interleaved ", y, " along ", along, parts, " : ", y.type);
}

/// Noise from seeded words, one a token.
Value writeNoise(Generator &g, Value x) {
  g.feature("random_bits");
  Value seed = g.random.chance(0.5) ? g.argument(g.scalar("i64"), {Fill::Integers, -1e15, 1e15}) : g.constant(g.random.between(0, 1'000'000'000'000), "i64");
  std::string parts;
  if (g.random.chance(0.4))
    parts += text(" draw(", g.constant(g.random.between(0, 5)), ")");
  if (g.random.chance(0.4))
    parts += text(" step(", g.argument(g.index(), {Fill::Integers, 0, 9}), ")");
  if (g.random.chance(0.4))
    parts += text(" stream(", g.random.between(0, 4'000'000'000), ")");
  if (g.random.chance(0.3) && g.scope.batch.value == "%B" && Generator::isNamed(g.scope.length)) {
    Value rows = g.argument(g.tensor({g.scope.batch, g.scope.length}, "i64"), {Fill::Integers, 0, 4e9});
    parts += text(" rows(", rows, " : ", rows.type, ")");
  }
  Type words = {"i32", {g.scope.batch, g.scope.length}};
  int64_t count = g.random.between(1, 4);
  std::vector<Value> results;
  std::string names, types;
  for (int64_t n = 0; n < count; ++n) {
    results.push_back(g.fresh(words));
    names += text(n ? ", " : "", results.back());
    types += text(n ? ", " : "", words);
  }
  g.line(names, " = attn.random_bits seed(", seed, ")", parts, " sizes(", g.sizeValue(g.scope.batch), ", ", g.sizeValue(g.scope.length), ") : ", types);
  for (const Value &word : results)
    g.output(word);
  return g.map({x, results.back()}, g.real, [&](const std::vector<Value> &e) {
    Value eight = g.constant(8, "i32");
    Value high = g.op(e[1].type, "arith.shrui ", e[1], ", ", eight, " : i32");
    Value u = g.op(e[0].type, "arith.uitofp ", high, " : i32 to ", g.real);
    Value noise = g.op(e[0].type, "arith.mulf ", u, ", ", g.number(0x1p-24), " : ", g.real);
    return g.op(e[0].type, "arith.addf ", e[0], ", ", noise, " : ", g.real);
  });
}

} // namespace

std::vector<Piece> rowPieces() {
  return {{"gather and scatter", 4, writeGatherScatter}, {"embedding", 2, writeEmbedding}, {"top tokens", 2, writeTopTokens}, {"ties", 9, writeTies}, {"top elements", 2, writeTopElements}, {"norm", 6, writeNorm}, {"rotary", 4, writeRotary}, {"noise", 5, writeNoise}};
}

} // namespace attnc::fuzz
