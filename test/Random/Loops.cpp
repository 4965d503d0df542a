// Pieces that are loops of the loop dialect: every policy, mark, granularity and remainder; segments; fixed points.
#include "Generator.h"

namespace attnc::fuzz {

namespace {

/// Restores the scope around a body.
struct Inside {
  Inside(Generator &g) : g(g), before(g.scope) { ++g.scope.depth; }
  ~Inside() { g.scope = before; }
  Generator &g;
  Generator::Scope before;
};

class AdaptiveWriter {
public:
  AdaptiveWriter(Generator &g, Value x) : g(g), x(x) {}
  Value write();

private:
  struct Carried {
    std::string mark;
    Value init, inside, final;
    Value yielded = {};
  };

  void choose();
  Value chooseActive();
  Value chooseCap();
  std::string chooseOptions();
  void addCarried(const std::string &mark, const Value &init);
  void writeBody();
  Value writeScore(const Value &h);
  void writeHalt();
  Value freezeKeys(const Value &kept);
  Type rows(const std::string &element) const { return {element, Shape(x.shape().begin(), x.shape().begin() + rank)}; }

  Generator &g;
  Value x;
  std::string policy;
  unsigned rank = 2; ///< rows are tokens (2), sequences (1), the batch (0)
  bool margin = false, mixes = false, keepsKeys = false, counts = false;
  std::vector<Carried> carried;
  Value running, step, limits;
};

void AdaptiveWriter::choose() {
  policy = g.random.pick(std::vector<std::string>{"region", "act", "geometric", "bernoulli", "threshold", "predicate", "converge", "act"});
  g.feature("policy " + policy);
  rank = unsigned(g.random.pick({2, 2, 1, 1, 0}));
  g.feature(rank == 2 ? "row token" : rank == 1 ? "row sequence"
                                                : "row batch");
  margin = policy != "predicate" && g.random.chance(0.4);
  mixes = policy == "act" || policy == "geometric";
  keepsKeys = g.random.chance(0.3);
  counts = g.random.chance(0.3);
}

Value AdaptiveWriter::chooseActive() {
  Type type = rows("i1");
  if (g.random.chance(0.4) && Generator::isNamed(g.scope.length) && g.scope.batch.value == "%B") {
    g.feature("rows that never run");
    return g.argument(type, {Fill::Bools, 0, 0.75});
  }
  return g.filled(type, 1);
}

Value AdaptiveWriter::chooseCap() {
  if (g.random.chance(0.6))
    return g.constant(g.random.between(1, g.scope.depth ? 3 : 6));
  Value cap = g.argument(g.tensor({}, "i32"), {Fill::Integers, 0, g.scope.depth ? 2.0 : 5.0});
  Value number = g.op(g.scalar("i32"), "tensor.extract ", cap, "[] : ", cap.type);
  return g.op(g.index(), "arith.index_cast ", number, " : i32 to index");
}

std::string AdaptiveWriter::chooseOptions() {
  std::string options;
  auto threshold = [&](double low, double high) {
    bool given = g.random.chance(0.4);
    Value limit = given ? g.argument(g.scalar("f32"), {Fill::Uniform, low, high}) : g.number(low + (high - low) * g.random.uniform(), "f32");
    options += text(" threshold(", limit, ")");
  };
  bool accumulates = mixes;
  if (accumulates)
    threshold(0.6, 1.3);
  else if (policy == "threshold")
    threshold(0.3, 0.8);
  else if (policy == "converge")
    threshold(0.02, 0.3);
  if ((accumulates || policy == "threshold") && g.random.chance(0.5))
    options += text(" compare(", g.random.pick(std::vector<std::string>{"ge", "gt", policy == "threshold" ? "le" : "gt", policy == "threshold" ? "lt" : "ge"}), ")");
  if (accumulates && g.random.chance(0.4)) {
    g.feature("remainder drop");
    options += " remainder(drop)";
  } else if (accumulates) {
    g.feature("remainder assign");
  }
  if (policy == "bernoulli") {
    options += text(" seed(", g.argument(g.scalar("i64"), {Fill::Integers, 0, 1e15}), ")");
    if (g.random.chance(0.5))
      options += text(" stream(", g.random.between(0, 9), ")");
  }
  if (policy == "converge")
    options += g.random.chance(0.5) ? " on(0)" : " on(0) delta(1.0e-3)";
  return margin ? g.feature("margin"), options + " margin" : options;
}

void AdaptiveWriter::addCarried(const std::string &mark, const Value &init) {
  g.feature("mark " + mark);
  carried.push_back({mark, init, g.fresh(init.type), g.fresh(init.type)});
}

/// Keys of rows that have stopped stay those of their last running step: select(running, new, kept).
Value AdaptiveWriter::freezeKeys(const Value &kept) {
  g.feature("kept keys");
  Value fresh = g.linear(carried[0].inside, Generator::width(kept));
  return g.map({running, fresh, kept}, g.real, [&](const std::vector<Value> &e) { return g.op(e[1].type, "arith.select ", e[0], ", ", e[1], ", ", e[2], " : ", g.real); });
}

Value AdaptiveWriter::writeScore(const Value &h) {
  if (policy != "predicate")
    return g.score(h, rank);
  Value t = g.op(g.scalar("i32"), "arith.index_cast ", step, " : index to i32");
  return g.map({limits}, "i1", [&](const std::vector<Value> &e) { return g.op(g.scalar("i1"), "arith.cmpi sge, ", t, ", ", e[0], " : i32"); });
}

void AdaptiveWriter::writeBody() {
  const Value &h = carried[0].inside;
  bool before = g.random.chance(0.5), scored = policy != "region" && policy != "converge";
  Value score, seen = h;
  if (scored && before)
    score = writeScore(h);
  for (Carried &value : carried)
    if (keepsKeys && &value == &carried.back() - counts) {
      value.yielded = freezeKeys(value.inside);
      seen = g.add(g.linear(value.yielded, Generator::width(h)), h);
    }
  Value next = g.step(seen);
  if (scored && !before)
    score = writeScore(next);
  for (Carried &value : carried) {
    if (!value.yielded.name.empty())
      continue;
    if (value.mark == "free" && !value.inside.type.isTensor)
      value.yielded = g.op(g.index(), "arith.addi ", value.inside, ", ", step, " : index");
    else
      value.yielded = next;
  }
  std::string values, types;
  for (const Carried &value : carried) {
    values += text(values.empty() ? "" : ", ", value.yielded);
    types += text(types.empty() ? "" : ", ", value.yielded.type);
  }
  g.line("loop.yield ", values, scored ? text(" score(", score, " : ", score.type, ")") : "", " : ", types);
}

/// By the change of the state, or by its sum: what the policies do not have.
void AdaptiveWriter::writeHalt() {
  std::string arguments = g.fresh(g.index()).name;
  std::vector<Value> before, after;
  for (const Carried &value : carried)
    before.push_back(g.fresh(value.init.type));
  for (const Carried &value : carried)
    after.push_back(g.fresh(value.init.type));
  for (const auto &side : {before, after})
    for (const Value &value : side)
      arguments += ", " + value.name;
  g.indentBy(-2);
  g.open("} halt(", arguments, ")");
  Value seen = g.random.chance(0.5) ? after[0] : g.op(x.type, "arith.subf ", after[0], ", ", before[0], " : ", x.type);
  Value score = g.score(seen, rank);
  double limit = 0.3 + 0.4 * g.random.uniform();
  Value exit = g.map({score}, "i1", [&](const std::vector<Value> &e) { return g.op(g.scalar("i1"), "arith.cmpf ogt, ", e[0], ", ", g.number(limit, "f32"), " : f32"); });
  Value distance = g.map({score}, "f32", [&](const std::vector<Value> &e) {
    Value gap = g.op(e[0].type, "arith.subf ", e[0], ", ", g.number(limit, "f32"), " : f32");
    return g.op(e[0].type, "math.absf ", gap, " : f32");
  });
  g.line("loop.yield ", exit, ", ", distance, " : ", exit.type, ", ", distance.type);
}

Value AdaptiveWriter::write() {
  ++g.loops;
  choose();
  margin |= policy == "region"; // the interpreter learns of the decision by it
  Value active = chooseActive(), cap = chooseCap();
  if (policy == "predicate")
    limits = Generator::isNamed(g.scope.length) && g.scope.batch.value == "%B" ? g.argument(rows("i32"), {Fill::Integers, 1, 6}) : g.filled(rows("i32"), 2);
  std::string options = chooseOptions();
  addCarried(policy == "converge" || g.random.chance(0.6) ? "frozen" : "free", x);
  if (mixes)
    addCarried(g.random.chance(0.5) ? "mean" : "blend", g.random.chance(0.5) ? g.filled(x.type, 0) : x);
  if (mixes && g.random.chance(0.3))
    addCarried(g.random.chance(0.5) ? "mean" : "blend", x);
  keepsKeys &= rank == 2;
  if (keepsKeys)
    addCarried("frozen", g.filled(g.tokens(g.random.pick({1, 2, 3})), 0));
  if (counts)
    addCarried("free", g.constant(3));
  running = g.fresh(rows("i1"));
  step = g.fresh(g.index());
  std::string names, carry;
  for (const Carried &value : carried) {
    names += value.final.name + ", ";
    carry += text(carry.empty() ? "" : ", ", value.mark, " ", value.inside, " = ", value.init, " : ", value.init.type);
  }
  Value steps = g.fresh(rows("i32")), closest = g.fresh(rows("f32"));
  g.open(names, steps, margin ? ", " + closest.name : "", " = loop.adaptive ", policy, options, " active(", running, " = ", active, " : ", active.type, ") cap(", cap,
         ") step(", step, ") carry(", carry, ")");
  {
    Inside inside(g);
    writeBody();
    if (policy == "region")
      writeHalt();
  }
  g.close();
  g.output(steps);
  if (margin)
    g.output(closest);
  for (const Carried &value : carried)
    if (value.final.type.isTensor)
      g.output(value.final);
  if (counts)
    g.output(g.op(g.tensor({}, "index"), "tensor.from_elements ", carried.back().final, " : ", g.tensor({}, "index")));
  return carried[mixes && g.random.chance(0.7) ? 1 : 0].final;
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

/// The mean over the rows of a block, as far as there are any, into a state [b, width].
Value fold(Generator &g, const Value &block, const Value &state) {
  Value faded = g.map({state}, g.real, [&](const std::vector<Value> &e) { return g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(0.5), " : ", g.real); });
  Value sum = g.generic("ppr", {{block, "d0, d2, d1"}}, {faded, "d0, d1"}, [&](const std::vector<Value> &e) {
    Value part = g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(0.1), " : ", g.real);
    return g.op(e[0].type, "arith.addf ", e[1], ", ", part, " : ", g.real);
  });
  return g.squash(sum);
}

Value writeSegment(Generator &g, Value x) {
  int64_t size = g.random.pick({1, 2, 3, 4, 8, 16, 64}), width = Generator::width(x);
  bool keep = g.random.chance(0.5), second = g.random.chance(0.3), counts = g.random.chance(0.3);
  g.feature(keep ? "partial keep" : "partial update");
  Type memory = g.tensor({g.scope.batch, width});
  Value init = g.scope.batch.value == "%B" ? g.argument(memory, {Fill::Normal}) : g.filled(memory, 0);
  Value number = g.fresh(g.index()), in = g.fresh(x.type), state = g.fresh(memory), final = g.fresh(memory), out = g.fresh(x.type);
  Value other = second ? g.linear(x, 2) : x, otherIn = g.fresh(other.type), zero = counts ? g.constant(0) : Value(), count = g.fresh(g.index()), counted = g.fresh(g.index());
  g.open(out, ", ", final, counts ? ", " + counted.name : "", " = loop.segment size ", size, keep ? " partial(keep)" : g.random.chance(0.5) ? " partial(update)"
                                                                                                                                            : "",
         " number(",
         number, ") blocks(", in, " = ", x, " along 1 : ", x.type, second ? text(", ", otherIn, " = ", other, " along 1 : ", other.type) : "", ") carry(", state, " = ", init, " : ",
         memory, counts ? text(", ", count, " = ", zero, " : index") : "", ") -> (along 1 : ", x.type, ")");
  {
    Inside inside(g);
    Value one = g.constant(1);
    g.scope.length = Size(g.op(g.index(), "tensor.dim ", in, ", ", one, " : ", in.type).name);
    in.type = g.tokens(width);
    otherIn.type = g.tokens(Generator::width(other));
    Value seen = g.map({in}, g.real, [&](const std::vector<Value> &e) { return g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(0.75), " : ", g.real); });
    Value e = g.empty(in.type);
    Value all = g.op(e.type, "linalg.broadcast ins(", state, " : ", memory, ") outs(", e, " : ", e.type, ") dimensions = [1]");
    seen = g.add(seen, all);
    if (second)
      seen = g.add(seen, g.linear(otherIn, width));
    Value y = g.step(seen), next = fold(g, g.random.chance(0.5) ? y : in, state);
    Value more = counts ? g.op(g.index(), "arith.addi ", count, ", ", number, " : index") : Value();
    g.line("loop.yield ", y, ", ", next, counts ? ", " + more.name : "", " : ", y.type, ", ", memory, counts ? ", index" : "");
  }
  g.close();
  g.output(final);
  if (counts)
    g.output(g.op(g.tensor({}, "index"), "tensor.from_elements ", counted, " : ", g.tensor({}, "index")));
  return out;
}

//===----------------------------------------------------------------------===//
// Fixed points
//===----------------------------------------------------------------------===//

/// z = x + a squashed, contracted projection of z: it has one solution.
Value writeFixedPoint(Generator &g, Value x) {
  bool anderson = g.random.chance(0.5);
  g.feature(anderson ? "fixed point anderson" : "fixed point picard");
  Value tolerance = g.random.chance(0.5) ? g.argument(g.scalar("f32"), {Fill::Uniform, 0.05, 0.3}) : g.number(0.1, "f32");
  Value cap = g.constant(g.random.between(1, 4)), start = g.random.chance(0.5) ? x : g.filled(x.type, 0);
  Value z = g.fresh(x.type), best = g.fresh(x.type), steps = g.fresh(g.tensor({g.scope.batch}, "i32")), residual = g.fresh(g.tensor({g.scope.batch}, "f32"));
  std::string numbers = g.random.chance(0.5) ? text(" history(", g.random.between(1, 4), ")") : "";
  if (g.random.chance(0.5))
    numbers += " beta(0.75)";
  numbers += " delta(1.0e-3)"; // where there is nothing, 0 / 0
  g.open(best, ", ", steps, ", ", residual, " = loop.fixed_point ", anderson ? "anderson" : "picard", " tolerance(", tolerance, ") cap(", cap, ")", numbers, " init(", z, " = ", start,
         " : ", x.type, ")");
  {
    Inside inside(g);
    Value f = g.squash(g.linear(z, Generator::width(x)));
    Value half = g.map({f}, g.real, [&](const std::vector<Value> &e) { return g.op(e[0].type, "arith.mulf ", e[0], ", ", g.number(0.5), " : ", g.real); });
    Value next = g.op(x.type, "arith.addf ", half, ", ", x, " : ", x.type);
    g.line("loop.yield ", next, " : ", next.type);
  }
  g.close();
  g.output(steps);
  g.output(residual);
  return best;
}

} // namespace

std::vector<Piece> loopPieces() {
  auto adaptive = [](Generator &g, Value x) { return g.scope.depth > 1 ? g.linear(x, 3) : AdaptiveWriter(g, x).write(); };
  // More than once, so that it has its turn more often.
  return {{"adaptive", 20, adaptive}, {"adaptive", 20, adaptive}, {"adaptive", 20, adaptive}, {"adaptive", 20, adaptive}, {"segment", 8, [](Generator &g, Value x) { return g.scope.depth > 1 ? g.linear(x, 2) : writeSegment(g, x); }}, {"fixed point", 10, [](Generator &g, Value x) { return g.scope.depth > 1 ? g.linear(x, 2) : writeFixedPoint(g, x); }}};
}

} // namespace attnc::fuzz
