// y0 = x0·cos a - x1·sin a, y1 = x1·cos a + x0·sin a with a = position · frequency: terms and factors in any order.
#include "Rotary.h"

#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;

namespace attnc::raise {

namespace {
/// constant · x · rest
struct Term {
  double constant;
  ExprRef x, rest;
};
} // namespace

static void collectTerms(ExprRef e, double sign, SmallVectorImpl<std::pair<ExprRef, double>> &terms) {
  if (e->is("arith.addf") || e->is("arith.subf")) {
    collectTerms((*e)[0], sign, terms);
    collectTerms((*e)[1], e->is("arith.subf") ? -sign : sign, terms);
  } else {
    terms.push_back({e, sign});
  }
}

static void collectFactors(ExprRef e, SmallVectorImpl<ExprRef> &factors) {
  if (!e->is("arith.mulf"))
    return factors.push_back(e);
  collectFactors((*e)[0], factors);
  collectFactors((*e)[1], factors);
}

/// A term of one element of the pair and one other factor.
static std::optional<Term> getTerm(ExprRef e, double sign, ArrayRef<ExprRef> x) {
  SmallVector<ExprRef> factors;
  collectFactors(e, factors);
  Term term{sign, nullptr, nullptr};
  for (ExprRef factor : factors) {
    ExprRef *place = llvm::is_contained(x, factor) ? &term.x : &term.rest;
    if (factor->kind == Kind::Float)
      term.constant *= factor->number;
    else if (*place)
      return std::nullopt;
    else
      *place = factor;
  }
  return term.x && term.rest ? std::optional(term) : std::nullopt;
}

/// {the factor of x[first], that of x[1 - first]}, of a sum of two terms.
static std::optional<std::array<Term, 2>> getPair(ExprRef y, ArrayRef<ExprRef> x, int first) {
  SmallVector<std::pair<ExprRef, double>> sum;
  collectTerms(y, 1, sum);
  if (sum.size() != 2)
    return std::nullopt;
  std::optional<Term> a = getTerm(sum[0].first, sum[0].second, x), b = getTerm(sum[1].first, sum[1].second, x);
  if (!a || !b || a->x == b->x)
    return std::nullopt;
  return a->x == x[first] ? std::array{*a, *b} : std::array{*b, *a};
}

/// a = position · frequency · constant.
static bool splitAngle(ExprContext &context, ExprRef angle, ExprRef pair, RotaryMatch &match) {
  SmallVector<ExprRef> factors;
  while (angle->is("arith.divf") && !(*angle)[0]->isFloat(1)) { // p / b^(2c/n) is p · (1 / b^(2c/n))
    factors.push_back(context.op("arith.divf", {context.number(1), (*angle)[1]}));
    angle = (*angle)[0];
  }
  collectFactors(angle, factors);
  match.position = match.frequency = nullptr;
  for (ExprRef factor : factors) {
    if (factor->kind == Kind::Float) {
      match.scale *= factor->number;
      continue;
    }
    bool ofPair = dependsOn(factor, pair->variable);
    ExprRef &place = ofPair ? match.frequency : match.position;
    if (place)
      return false;
    place = factor;
    if (ofPair && contains(factor, [&](ExprRef e) { return e->kind == Kind::Digit && e->variable != pair->variable; }))
      return false;
  }
  if (!match.position || !match.frequency || !match.position->is("arith.sitofp"))
    return false;
  match.position = (*match.position)[0];
  return true;
}

std::optional<RotaryMatch> matchRotary(ExprContext &context, ExprRef pair, ArrayRef<ExprRef> x, ArrayRef<ExprRef> y, Miss &miss) {
  std::optional<std::array<Term, 2>> first = getPair(y[0], x, 0), second = getPair(y[1], x, 1);
  if (!first || !second)
    return std::nullopt;
  auto [c0, s0] = *first;
  auto [c1, s1] = *second;
  if (llvm::all_of(std::array{c0.rest, c1.rest, s0.rest, s1.rest}, [](ExprRef e) { return e->kind == Kind::Load; })) {
    miss.reason = "cosines and sines are read from tensors, whose angles are not known";
    return std::nullopt;
  }
  if (c0.rest != c1.rest || s0.rest != s1.rest || c0.constant != c1.constant || s0.constant != -s1.constant || c0.constant != s1.constant ||
      !c0.rest->is("math.cos") || !s0.rest->is("math.sin"))
    return std::nullopt;
  RotaryMatch match;
  match.factor = c0.constant;
  if ((*c0.rest)[0] != (*s0.rest)[0] || !splitAngle(context, (*c0.rest)[0], pair, match)) {
    miss.reason = "its angles are not products of an integer position and a frequency";
    return std::nullopt;
  }
  return match;
}

std::optional<double> evaluateAt(ExprRef e, ExprRef index, double value) {
  if (e == index)
    return value;
  if (e->kind == Kind::Float)
    return e->number;
  if (e->kind == Kind::Int)
    return e->integer;
  if (e->kind != Kind::Op || e->operands.empty() || e->operands.size() > 2)
    return std::nullopt;
  std::optional<double> a = evaluateAt((*e)[0], index, value), b = evaluateAt(e->operands.back(), index, value);
  if (!a || !b)
    return std::nullopt;
  return llvm::StringSwitch<std::optional<double>>(e->name)
      .Cases({"arith.addf", "arith.addi"}, *a + *b)
      .Cases({"arith.subf", "arith.subi"}, *a - *b)
      .Cases({"arith.mulf", "arith.muli"}, *a * *b)
      .Case("arith.divf", *a / *b)
      .Case("math.powf", std::pow(*a, *b))
      .Case("math.exp", std::exp(*a))
      .Case("math.log", std::log(*a))
      .Case("math.sqrt", std::sqrt(*a))
      .Case("math.erf", std::erf(*a))
      .Case("math.tanh", std::tanh(*a))
      .Case("arith.sitofp", *a)
      .Default(std::nullopt);
}

} // namespace attnc::raise
