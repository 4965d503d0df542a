// Pieces that are control flow of scf around other pieces.
#include "Generator.h"

namespace attnc::fuzz {

namespace {

struct Inside {
  Inside(Generator &g) : g(g), before(g.scope) { ++g.scope.depth; }
  ~Inside() { g.scope = before; }
  Generator &g;
  Generator::Scope before;
};

/// A small number that the caller gives.
Value choice(Generator &g, int64_t high) {
  Value given = g.argument(g.tensor({}, "i32"), {Fill::Integers, 0, double(high)});
  Value number = g.op(g.scalar("i32"), "tensor.extract ", given, "[] : ", given.type);
  return g.op(g.index(), "arith.index_cast ", number, " : i32 to index");
}

Value writeIf(Generator &g, Value x) {
  g.feature("scf.if");
  Value yes = g.op(g.scalar("i1"), "arith.cmpi eq, ", choice(g, 1), ", ", g.constant(0), " : index"), result = g.fresh(x.type);
  g.open(result, " = scf.if ", yes, " -> (", x.type, ")");
  {
    Inside inside(g);
    g.line("scf.yield ", g.step(x), " : ", x.type);
  }
  g.indentBy(-2);
  g.open("} else");
  if (g.random.chance(0.5)) {
    Inside inside(g);
    g.line("scf.yield ", g.step(x), " : ", x.type);
  } else {
    g.line("scf.yield ", x, " : ", x.type);
  }
  g.close();
  return result;
}

Value writeFor(Generator &g, Value x) {
  g.feature("scf.for");
  Value zero = g.constant(0), one = g.constant(1), end = g.random.chance(0.5) ? choice(g, 3) : g.constant(2);
  Value at = g.fresh(g.index()), inner = g.fresh(x.type), result = g.fresh(x.type);
  g.open(result, " = scf.for ", at, " = ", zero, " to ", end, " step ", one, " iter_args(", inner, " = ", x, ") -> (", x.type, ")");
  {
    Inside inside(g);
    g.line("scf.yield ", g.step(inner), " : ", x.type);
  }
  g.close();
  return result;
}

Value writeWhile(Generator &g, Value x) {
  g.feature("scf.while");
  Value zero = g.constant(0), one = g.constant(1), limit = choice(g, 3);
  Value n = g.fresh(g.index()), seen = g.fresh(x.type), m = g.fresh(g.index()), inner = g.fresh(x.type), count = g.fresh(g.index()), result = g.fresh(x.type);
  g.open(count, ", ", result, " = scf.while (", n, " = ", zero, ", ", seen, " = ", x, ") : (index, ", x.type, ") -> (index, ", x.type, ")");
  Value more = g.op(g.scalar("i1"), "arith.cmpi slt, ", n, ", ", limit, " : index");
  g.line("scf.condition(", more, ") ", n, ", ", seen, " : index, ", x.type);
  g.indentBy(-2);
  g.line("} do {");
  g.line("^bb0(", m, ": index, ", inner, ": ", x.type, "):");
  g.indentBy(2);
  {
    Inside inside(g);
    Value y = g.step(inner), next = g.op(g.index(), "arith.addi ", m, ", ", one, " : index");
    g.line("scf.yield ", next, ", ", y, " : index, ", x.type);
  }
  g.close();
  return result;
}

Value writeSwitch(Generator &g, Value x) {
  g.feature("scf.index_switch");
  Value which = choice(g, 3), result = g.fresh(x.type);
  g.line(result, " = scf.index_switch ", which, " -> ", x.type);
  for (const char *label : {"case 0", "case 2", "default"}) {
    g.open(label);
    Inside inside(g);
    g.line("scf.yield ", g.step(x), " : ", x.type);
    g.close();
  }
  return result;
}

template <Value (*write)(Generator &, Value)> Value nested(Generator &g, Value x) { return g.scope.depth > 1 ? g.linear(x, 3) : write(g, x); }

} // namespace

std::vector<Piece> controlPieces() {
  return {{"if", 3, nested<writeIf>}, {"for", 3, nested<writeFor>}, {"while", 3, nested<writeWhile>}, {"switch", 2, nested<writeSwitch>}};
}

} // namespace attnc::fuzz
