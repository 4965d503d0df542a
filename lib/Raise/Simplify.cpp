// The rules of arithmetic that bring equal scalar expressions into one form. They are those of real numbers:
// roundings, overflow and the sign of zero are not told apart.
//
//   a - b = a + (-1)·b for a constant b      x / c = x · (1/c)         constants stand behind
//   1 / √x = rsqrt x    a · (1/b) = a / b    x^2 = x · x               exp2(x) = exp(x · ln 2)
//   ¬(a < b) = (a ≥ b)  select(¬c, a, b) = select(c, b, a)             conversions between numbers of a sort are gone
#include "Expr.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

using namespace mlir;

namespace attnc::raise {

/// The operations that expressions have, beside those that vanish in `apply`.
static bool isKnown(StringRef name) {
  static const llvm::StringSet<> known = {
      "arith.addf", "arith.subf", "arith.mulf", "arith.divf", "arith.maximumf", "arith.minimumf", "arith.cmpf", "arith.select",
      "arith.addi", "arith.subi", "arith.muli", "arith.divsi", "arith.floordivsi", "arith.ceildivsi", "arith.remsi", "arith.maxsi",
      "arith.minsi", "arith.cmpi", "arith.andi", "arith.ori", "arith.xori", "arith.uitofp", "arith.sitofp", "arith.fptosi",
      "arith.extui", "math.exp", "math.log", "math.sqrt", "math.rsqrt", "math.powf", "math.tanh", "math.erf", "math.sin", "math.cos",
      "math.absf", "math.absi", "math.floor", "math.ceil", "math.log1p", "math.expm1", "math.isnan"};
  return known.contains(name);
}

static bool isWide(Type type) { return isa<IndexType>(type) || type.getIntOrFloatBitWidth() >= 32; }

ExprRef ExprContext::apply(Operation *op, ArrayRef<ExprRef> in) {
  StringRef name = op->getName().getStringRef();
  if (isa<arith::ExtFOp, arith::TruncFOp, arith::IndexCastOp>(op))
    return in[0]->sort == Sort::Bool ? nullptr : in[0];
  if (isa<arith::ExtSIOp, arith::TruncIOp>(op))
    return in[0]->sort == Sort::Bool || !isWide(getElementTypeOrSelf(op->getResult(0).getType())) ? nullptr : in[0];
  if (isa<arith::ExtUIOp>(op) && in[0]->sort != Sort::Bool)
    return nullptr;
  if (isa<arith::UIToFPOp>(op) && in[0]->sort != Sort::Bool)
    return nullptr;
  if (isa<arith::SIToFPOp>(op) && in[0]->sort == Sort::Bool)
    return nullptr;
  if (isa<arith::NegFOp>(op))
    return this->op("arith.mulf", {in[0], number(-1)});
  if (isa<arith::MaxNumFOp>(op))
    return this->op("arith.maximumf", in);
  if (isa<arith::MinNumFOp>(op))
    return this->op("arith.minimumf", in);
  if (isa<math::Exp2Op>(op))
    return this->op("math.exp", {this->op("arith.mulf", {in[0], number(M_LN2)})});
  if (isa<math::FPowIOp>(op) && in[1]->kind == Kind::Int)
    return this->op("math.powf", {in[0], number(double(in[1]->integer))});
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    auto predicate = compare.getPredicate();
    bool ordered = predicate != arith::CmpIPredicate::eq && predicate != arith::CmpIPredicate::ne;
    if (predicate >= arith::CmpIPredicate::ult || (ordered && in[0]->sort == Sort::Bool))
      return nullptr;
    return this->op(name, in, int64_t(predicate));
  }
  if (auto compare = dyn_cast<arith::CmpFOp>(op))
    return this->op(name, in, int64_t(compare.getPredicate()));
  if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::AddIOp, arith::MulIOp>(op)) {
    bool logical = isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op);
    if (logical != (in[0]->sort == Sort::Bool))
      return nullptr;
  }
  return isKnown(name) ? this->op(name, in) : nullptr;
}

static Sort sortOfResult(StringRef name, ArrayRef<ExprRef> operands) {
  if (name == "arith.cmpf" || name == "arith.cmpi" || name == "math.isnan")
    return Sort::Bool;
  if (name == "arith.uitofp" || name == "arith.sitofp")
    return Sort::Float;
  if (name == "arith.fptosi" || name == "arith.extui")
    return Sort::Int;
  return operands.back()->sort;
}

static bool isCommutative(StringRef name) {
  return llvm::is_contained({"arith.addf", "arith.mulf", "arith.maximumf", "arith.minimumf", "arith.addi", "arith.muli",
                             "arith.maxsi", "arith.minsi", "arith.andi", "arith.ori", "arith.xori"},
                            name);
}

static bool isConstant(ExprRef e) { return e->kind == Kind::Float || e->kind == Kind::Int; }

ExprRef ExprContext::op(StringRef name, ArrayRef<ExprRef> given, int64_t predicate) {
  SmallVector<ExprRef> operands(given);
  if (isCommutative(name) && isConstant(operands[0]))
    std::swap(operands[0], operands[1]);
  if (ExprRef simple = simplify(name, operands, predicate))
    return simple;
  Expr e{.kind = Kind::Op, .sort = sortOfResult(name, operands), .integer = predicate, .name = name, .operands = operands};
  return make(e);
}

ExprRef ExprContext::negate(ExprRef boolean) { return op("arith.xori", {boolean, truth(true)}); }

ExprRef ExprContext::both(ExprRef a, ExprRef b) { return op("arith.andi", {a, b}); }

ExprRef ExprContext::simplify(StringRef name, ArrayRef<ExprRef> in, int64_t predicate) {
  if (name == "arith.select") {
    if (in[1] == in[2])
      return in[1];
    if (in[0]->kind == Kind::Int)
      return in[0]->integer ? in[1] : in[2];
    if (in[0]->is("arith.xori") && (*in[0])[1]->isInt(1))
      return op(name, {(*in[0])[0], in[2], in[1]});
    if (in[1]->sort == Sort::Bool && in[2]->isInt(0))
      return both(in[0], in[1]);
    return nullptr;
  }
  if (name == "arith.cmpf" || name == "arith.cmpi" || (in[0]->sort == Sort::Bool && in.size() == 2))
    return simplifyBool(name, in, predicate);
  return in[0]->sort == Sort::Float ? simplifyFloat(name, in) : simplifyInteger(name, in);
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

static std::optional<double> evaluate(StringRef name, double a, double b) {
  using F = double (*)(double, double);
  static const llvm::StringMap<F> functions = {
      {"arith.addf", [](double a, double b) { return a + b; }},
      {"arith.subf", [](double a, double b) { return a - b; }},
      {"arith.mulf", [](double a, double b) { return a * b; }},
      {"arith.divf", [](double a, double b) { return a / b; }},
      {"arith.maximumf", [](double a, double b) { return std::fmax(a, b); }},
      {"arith.minimumf", [](double a, double b) { return std::fmin(a, b); }},
      {"math.powf", [](double a, double b) { return std::pow(a, b); }},
      {"math.sqrt", [](double a, double) { return std::sqrt(a); }},
      {"math.rsqrt", [](double a, double) { return 1 / std::sqrt(a); }},
      {"math.exp", [](double a, double) { return std::exp(a); }},
      {"math.log", [](double a, double) { return std::log(a); }},
      {"math.tanh", [](double a, double) { return std::tanh(a); }},
  };
  auto found = functions.find(name);
  return found == functions.end() ? std::nullopt : std::optional(found->second(a, b));
}

ExprRef ExprContext::simplifyFloat(StringRef name, ArrayRef<ExprRef> in) {
  if (llvm::all_of(in, isConstant))
    if (auto value = evaluate(name, in[0]->number, in.size() > 1 ? in[1]->number : 0))
      return number(*value);
  if (in.size() != 2)
    return nullptr;
  ExprRef a = in[0], b = in[1];
  bool constant = b->kind == Kind::Float;
  if (name == "arith.addf" && b->isFloat(0))
    return a;
  if (name == "arith.subf" && constant)
    return op("arith.addf", {a, number(-b->number)});
  if (name == "arith.mulf") {
    if (b->isFloat(1))
      return a;
    if (b->isFloat(0))
      return b;
    if (constant && a->is("arith.mulf") && (*a)[1]->kind == Kind::Float) {
      double product = (*a)[1]->number * b->number;
      return op(name, {(*a)[0], number(std::abs(product - 1) < 1e-6 ? 1 : product)}); // log2 e · ln 2 in f32
    }
    for (auto [x, y] : {std::pair(a, b), std::pair(b, a)})
      if (y->is("arith.divf") && (*y)[0]->isFloat(1))
        return op("arith.divf", {x, (*y)[1]});
  }
  if (name == "arith.divf") {
    if (constant && b->number != 0)
      return op("arith.mulf", {a, number(1 / b->number)});
    if (b->is("math.sqrt"))
      return op("arith.mulf", {op("math.rsqrt", {(*b)[0]}), a});
  }
  if (name == "math.powf" && b->isFloat(2))
    return op("arith.mulf", {a, a});
  if (name == "math.powf" && b->isFloat(0.5))
    return op("math.sqrt", {a});
  if (name == "math.powf" && b->isFloat(-0.5))
    return op("math.rsqrt", {a});
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// The least and greatest value of an index; none where extents that it takes are not known.
static std::optional<std::pair<int64_t, int64_t>> getRange(ExprRef e) {
  if (e->kind == Kind::Int)
    return {{e->integer, e->integer}};
  if (e->kind == Kind::Digit)
    return {{0, e->extent == kRest ? INT64_MAX : e->extent - 1}};
  if (e->kind != Kind::Join)
    return std::nullopt;
  int64_t low = 0, high = 0;
  for (auto [part, extent] : llvm::zip_equal(e->operands, e->extents)) {
    auto range = getRange(part);
    if (!range || isDynamic(extent) || range->second == INT64_MAX)
      return std::nullopt;
    low = low * extent + range->first;
    high = high * extent + range->second;
  }
  return {{low, high}};
}

/// Whether index ? bound holds for all values of the index, or for none.
static std::optional<bool> compareRange(ExprRef index, int64_t predicate, int64_t bound) {
  using P = arith::CmpIPredicate;
  auto range = getRange(index);
  if (!range)
    return std::nullopt;
  auto [low, high] = *range;
  auto decide = [](bool always, bool never) { return always ? std::optional(true) : never ? std::optional(false)
                                                                                          : std::nullopt; };
  switch (P(predicate)) {
  case P::slt: return decide(high < bound, low >= bound);
  case P::sle: return decide(high <= bound, low > bound);
  case P::sgt: return decide(low > bound, high <= bound);
  case P::sge: return decide(low >= bound, high < bound);
  default: return std::nullopt;
  }
}

/// (k·n + rest) + m·n for an index whose most significant part is a constant k.
ExprRef ExprContext::shift(ExprRef index, int64_t by) {
  if (index->kind != Kind::Join || (*index)[0]->kind != Kind::Int)
    return nullptr;
  int64_t below = 1;
  for (Extent extent : index->extents.drop_front()) {
    if (isDynamic(extent))
      return nullptr;
    below *= extent;
  }
  int64_t digit = (*index)[0]->integer + by / below;
  if (by % below != 0 || digit < 0)
    return nullptr;
  if (digit == 0)
    return join(index->operands.drop_front(), index->extents.drop_front());
  SmallVector<ExprRef> parts(index->operands);
  SmallVector<Extent> extents(index->extents);
  parts[0] = integer(digit);
  extents[0] = std::max(extents[0], digit + 1);
  return join(parts, extents);
}

//===----------------------------------------------------------------------===//
// Integers and bools
//===----------------------------------------------------------------------===//

ExprRef ExprContext::simplifyInteger(StringRef name, ArrayRef<ExprRef> in) {
  if (name == "arith.sitofp") {
    if (in[0]->kind == Kind::Int)
      return number(double(in[0]->integer));
    return in[0]->is("arith.extui") ? op("arith.uitofp", {(*in[0])[0]}) : nullptr;
  }
  if (name == "arith.uitofp" && in[0]->kind == Kind::Int)
    return number(in[0]->integer);
  if (name == "arith.extui" && in[0]->kind == Kind::Int)
    return integer(in[0]->integer);
  if (in.size() != 2)
    return nullptr;
  if ((name == "arith.addi" || name == "arith.subi") && in[1]->isInt(0))
    return in[0];
  if (name == "arith.muli" && in[1]->isInt(1))
    return in[0];
  if (name == "arith.subi" && in[1]->kind == Kind::Int)
    return op("arith.addi", {in[0], integer(-in[1]->integer)});
  if (name == "arith.addi" && in[1]->kind == Kind::Int && in[0]->kind == Kind::Join)
    return shift(in[0], in[1]->integer);
  // What keeps an index in bounds that it has.
  if ((name == "arith.maxsi" || name == "arith.minsi") && in[1]->kind == Kind::Int)
    if (compareRange(in[0], int64_t(name == "arith.maxsi" ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle), in[1]->integer) == true)
      return in[0];
  if (!llvm::all_of(in, isConstant))
    return nullptr;
  int64_t a = in[0]->integer, b = in[1]->integer;
  if (name == "arith.addi")
    return integer(a + b);
  if (name == "arith.subi")
    return integer(a - b);
  if (name == "arith.muli")
    return integer(a * b);
  return nullptr;
}

/// b where e is 0 or 1 for the bool b: as an integer or a float.
static ExprRef boolBehind(ExprRef e) { return e->is("arith.uitofp") || e->is("arith.extui") ? (*e)[0] : nullptr; }

/// ¬(a < b) is a ≥ b or unordered.
static int64_t invert(arith::CmpFPredicate predicate) {
  using P = arith::CmpFPredicate;
  switch (predicate) {
  case P::AlwaysFalse:
    return int64_t(P::AlwaysTrue);
  case P::AlwaysTrue:
    return int64_t(P::AlwaysFalse);
  case P::ORD:
    return int64_t(P::UNO);
  case P::UNO:
    return int64_t(P::ORD);
  default:
    return int64_t(P::UNE) + int64_t(P::OEQ) - int64_t(predicate);
  }
}

static bool isZeroOrOne(ExprRef e, double &value) {
  value = e->kind == Kind::Float ? e->number : double(e->integer);
  return isConstant(e) && (value == 0 || value == 1);
}

ExprRef ExprContext::simplifyBool(StringRef name, ArrayRef<ExprRef> in, int64_t predicate) {
  ExprRef a = in[0], b = in[1];
  double value;
  if (name == "arith.cmpf" || name == "arith.cmpi") {
    using F = arith::CmpFPredicate;
    using I = arith::CmpIPredicate;
    bool isFloat = name == "arith.cmpf";
    bool equal = isFloat ? predicate == int64_t(F::OEQ) || predicate == int64_t(F::UEQ) : predicate == int64_t(I::eq);
    bool unequal = isFloat ? predicate == int64_t(F::ONE) || predicate == int64_t(F::UNE) : predicate == int64_t(I::ne);
    if ((equal || unequal) && isZeroOrOne(b, value))
      if (ExprRef boolean = a->sort == Sort::Bool ? a : boolBehind(a))
        return equal == (value == 1) ? boolean : negate(boolean);
    if (!isFloat && b->kind == Kind::Int)
      if (std::optional<bool> known = compareRange(a, predicate, b->integer))
        return truth(*known);
    if (isFloat && (predicate == int64_t(F::UNO) || predicate == int64_t(F::UNE)) && a == b)
      return op("math.isnan", {a});
    return nullptr;
  }
  if (b->kind == Kind::Int) {
    if (name == "arith.andi")
      return b->integer ? a : b;
    if (name == "arith.ori")
      return b->integer ? b : a;
    if (name != "arith.xori" || !b->integer)
      return name == "arith.xori" ? a : nullptr;
    // ¬: of a constant, of ¬, of a comparison.
    if (a->kind == Kind::Int)
      return truth(!a->integer);
    if (a->is("arith.xori") && (*a)[1]->isInt(1))
      return (*a)[0];
    if (a->is("arith.cmpi"))
      return op(a->name, a->operands, int64_t(arith::invertPredicate(arith::CmpIPredicate(a->integer))));
    if (a->is("arith.cmpf"))
      return op(a->name, a->operands, invert(arith::CmpFPredicate(a->integer)));
    return nullptr;
  }
  return a == b && name != "arith.xori" ? a : nullptr;
}

} // namespace attnc::raise
