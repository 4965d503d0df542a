// Softmax in its forms, what wraps it, and masks that were added to scores.
#include "Scores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;

namespace attnc::raise {

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// exp(s - m) with m the same for all keys is exp(s), as far as its ratio to the sum over keys goes: {s, m}.
static std::pair<ExprRef, ExprRef> stripShift(ExprRef exponent, ExprRef key) {
  auto isShift = [&](ExprRef e) { return !dependsOn(e, key->variable) && e->kind != Kind::Float; };
  if (exponent->is("arith.subf") && isShift((*exponent)[1]))
    return {(*exponent)[0], (*exponent)[1]};
  return {exponent, nullptr};
}

/// What is subtracted from scores and sink alike does not show in their softmax.
static void stripCommonShift(SoftmaxElement &softmax) {
  auto [scores, sink] = std::pair(softmax.scores, softmax.sink);
  while (scores->is("arith.subf") && sink->is("arith.subf") && (*scores)[1] == (*sink)[1] && !dependsOn((*sink)[1], softmax.key->variable))
    std::tie(scores, sink) = std::pair((*scores)[0], (*sink)[0]);
  std::tie(softmax.scores, softmax.sink) = std::pair(scores, sink);
}

/// The index behind all keys: that of a column that is joined to the scores.
static ExprRef lastIndex(ExprContext &context) { return context.op("last", {context.integer(0)}); }

/// linalg.softmax of the scores; or of concat(scores, column), of which only the keys' weights are read: the column is a sink.
static std::optional<SoftmaxElement> matchNamedSoftmax(Elements &elements, linalg::SoftmaxOp softmax, ExprRef e) {
  ExprContext &context = elements.context;
  ExprRef scores = elements.element(softmax.getInput(), e->operands), key = (*e)[softmax.getDimension()];
  if (!key->is("slice") || !(*key)[1]->isInt(0))
    return SoftmaxElement{scores, key, nullptr, nullptr, nullptr};
  SmallVector<ExprRef> indices(e->operands);
  ExprRef last = indices[softmax.getDimension()] = lastIndex(context);
  ExprRef sink = elements.element(softmax.getInput(), indices);
  if (contains(scores, key) || contains(sink, last))
    return std::nullopt;
  SoftmaxElement result{scores, (*key)[0], nullptr, nullptr, sink};
  stripCommonShift(result);
  return result;
}

/// s where the term is exp(s - m), m the maximum that was subtracted from the scores (null: nothing was).
static ExprRef matchSinkTerm(ExprContext &context, ExprRef term, ExprRef maximum) {
  if (!maximum)
    return term->is("math.exp") ? (*term)[0] : term->isFloat(1) ? context.number(0)
                                                                : nullptr;
  if (!term->is("math.exp"))
    return nullptr;
  ExprRef exponent = (*term)[0];
  if (exponent->is("arith.subf") && (*exponent)[1] == maximum)
    return (*exponent)[0];
  return exponent == context.op("arith.mulf", {maximum, context.number(-1)}) ? context.number(0) : nullptr;
}

/// sum = Σ body over all values of the index.
static bool isSumOf(Elements &elements, ExprRef sum, ExprRef index, ExprRef body) {
  std::optional<Reduction> reduction = elements.openExpanded(sum, index);
  return reduction && reduction->combiner == "arith.addf" && reduction->body == body && reduction->init->isFloat(0);
}

/// The last term of a sum whose others are those of the keys: of a column that is joined to the scores.
static ExprRef getColumn(Elements &elements, ExprRef sum, ExprRef key, ExprRef numerator) {
  ExprContext &context = elements.context;
  ExprRef last = lastIndex(context), inside = context.op("slice", {key, context.integer(0)});
  if (contains(numerator, inside) || !isSumOf(elements, sum, inside, numerator))
    return nullptr;
  std::optional<Reduction> column = elements.openExpanded(sum, last);
  return column && !contains(column->body, last) ? column->body : nullptr;
}

std::optional<SoftmaxElement> matchSoftmax(Elements &elements, ExprRef e, ArrayRef<ExprRef> keys) {
  if (e->kind == Kind::Load)
    if (auto softmax = e->value.getDefiningOp<linalg::SoftmaxOp>())
      return matchNamedSoftmax(elements, softmax, e);
  if (!e->is("arith.divf") || !(*e)[0]->is("math.exp"))
    return std::nullopt;
  ExprRef numerator = (*e)[0], sum = (*e)[1], term = nullptr;
  if (sum->is("arith.addf")) {
    bool first = elements.open((*sum)[0]).has_value();
    std::tie(sum, term) = std::pair((*sum)[!first], (*sum)[first]);
  }
  for (ExprRef key : keys) {
    ExprRef behind = term;
    if (!isSumOf(elements, sum, key, numerator)) {
      if (term || !(behind = getColumn(elements, sum, key, numerator)))
        continue;
    }
    auto [scores, maximum] = stripShift((*numerator)[0], key);
    SoftmaxElement result{scores, key, maximum, sum, nullptr};
    if (behind) {
      result.sink = matchSinkTerm(elements.context, behind, maximum);
      if (!result.sink || dependsOn(result.sink, key->variable))
        continue;
      stripCommonShift(result);
    }
    return result;
  }
  return std::nullopt;
}

/// The index variables of an expression.
static llvm::SetVector<ExprRef> getDigits(ExprRef e) {
  llvm::SetVector<ExprRef> digits;
  contains(e, [&](ExprRef part) {
    if (part->kind == Kind::Digit)
      digits.insert(part);
    return false;
  });
  return digits;
}

/// Whether the bool says that no key of the row is visible: that the weight is NaN, the maximum -inf, the sum 0, or
/// that all scores are -inf, or all masks false.
static bool saysAllHidden(Elements &elements, ExprRef boolean, ExprRef weight, const SoftmaxElement &softmax, bool hidden = true) {
  using P = arith::CmpFPredicate;
  ExprContext &context = elements.context;
  if (boolean->is("arith.xori") && (*boolean)[1]->isInt(1))
    return saysAllHidden(elements, (*boolean)[0], weight, softmax, !hidden);
  if (hidden && boolean->is("math.isnan"))
    return (*boolean)[0] == weight;
  auto isCompare = [&](ExprRef e, P ordered, P unordered) {
    return e->is("arith.cmpf") && (e->integer == int64_t(ordered) || e->integer == int64_t(unordered));
  };
  if (isCompare(boolean, hidden ? P::OEQ : P::ONE, hidden ? P::UEQ : P::UNE)) {
    auto [value, constant] = std::pair((*boolean)[0], (*boolean)[1]);
    if (value == softmax.sum)
      return constant->isFloat(0);
    std::optional<Reduction> maximum = elements.openExpanded(value, softmax.key);
    return maximum && maximum->combiner == "arith.maximumf" && maximum->body == softmax.scores && constant->isFloat(-INFINITY);
  }
  std::optional<Reduction> all = elements.openExpanded(boolean, softmax.key);
  if (!all || all->combiner != (hidden ? "arith.andi" : "arith.ori"))
    return false;
  ExprRef key = hidden ? all->body : context.negate(all->body);
  if (isCompare(key, P::OEQ, P::UEQ))
    return (*key)[0] == softmax.scores && (*key)[1]->isFloat(-INFINITY);
  return context.negate(key) == splitMask(context, softmax.scores).visible;
}

/// select(all hidden, 0, weight): what the op's rows do by themselves.
static ExprRef stripGuard(Elements &elements, ExprRef e, ExprRef weight, const SoftmaxElement &softmax) {
  if (!e->is("arith.select"))
    return e;
  ExprRef condition = (*e)[0];
  if ((*e)[1]->isFloat(0) && (*e)[2] == weight && saysAllHidden(elements, condition, weight, softmax))
    return weight;
  if ((*e)[2]->isFloat(0) && (*e)[1] == weight && saysAllHidden(elements, elements.context.negate(condition), weight, softmax))
    return weight;
  return e;
}

static ExprRef getTruth(ExprContext &context, ExprRef e);

/// σ(s) = 1 / (1 + exp(-s)), or 0 where a bool says so behind it.
static std::optional<Weights> matchSigmoid(ExprContext &context, ExprRef weights, ExprRef key) {
  ExprRef sigmoid = nullptr;
  contains(weights, [&](ExprRef e) {
    bool found = e->is("arith.divf") && (*e)[0]->isFloat(1) && (*e)[1]->is("arith.addf") && (*(*e)[1])[0]->is("math.exp") &&
                 (*(*e)[1])[1]->isFloat(1) && dependsOn(e, key->variable);
    if (found)
      sigmoid = e;
    return found;
  });
  if (!sigmoid)
    return std::nullopt;
  ExprRef exponent = (*(*(*sigmoid)[1])[0])[0], argument = context.argument(0);
  Weights result{context.op("arith.mulf", {exponent, context.number(-1)}), context.replace(weights, sigmoid, argument)};
  result.isSigmoid = true;
  result.visible = context.truth(true);
  for (ExprRef &post = result.post; post != argument;) {
    ExprRef seen = nullptr, inner = nullptr;
    if (post->is("arith.select") && (*post)[2]->isFloat(0))
      std::tie(seen, inner) = std::pair((*post)[0], (*post)[1]);
    else if (post->is("arith.select") && (*post)[1]->isFloat(0))
      std::tie(seen, inner) = std::pair(context.negate((*post)[0]), (*post)[2]);
    else if (post->is("arith.mulf") && (seen = getTruth(context, (*post)[1])))
      inner = (*post)[0];
    if (!seen)
      break;
    result.visible = context.both(result.visible, seen);
    post = inner;
  }
  return result;
}

std::optional<Weights> matchWeights(Elements &elements, ExprRef weights, ExprRef key, Miss &miss) {
  auto keys = getDigits(weights);
  SmallVector<ExprRef> candidates(keys.begin(), keys.end());
  std::optional<SoftmaxElement> softmax;
  ExprRef weight = nullptr, quotient = nullptr;
  contains(weights, [&](ExprRef e) {
    if (e->is("arith.divf") && (*e)[0]->is("math.exp") && elements.open((*e)[1]))
      quotient = e;
    softmax = matchSoftmax(elements, e, candidates);
    weight = e;
    return softmax.has_value();
  });
  if (!softmax) {
    if (std::optional<Weights> sigmoid = matchSigmoid(elements.context, weights, key))
      return sigmoid;
    if (quotient)
      miss.reason = "the denominator is not the sum of the exponentials over one index";
    return std::nullopt;
  }
  if (softmax->key != key) {
    miss.reason = "softmax is not over the index that weights and values are summed over";
    return std::nullopt;
  }
  ExprRef rest = stripGuard(elements, weights, weight, *softmax);
  return Weights{softmax->scores, elements.context.replace(rest, weight, elements.context.argument(0)), softmax->sink};
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

static bool isHidden(ExprRef e) { return e->kind == Kind::Float && e->number <= kHidden; }

/// The bool b of a number that is 1 where it holds and 0 elsewhere; null if it is none.
static ExprRef getTruth(ExprContext &context, ExprRef e) {
  if (e->is("arith.uitofp"))
    return (*e)[0];
  if (e->is("arith.select") && (*e)[1]->isFloat(1) && (*e)[2]->isFloat(0))
    return (*e)[0];
  if (e->is("arith.select") && (*e)[1]->isFloat(0) && (*e)[2]->isFloat(1))
    return context.negate((*e)[0]);
  if (e->is("arith.subf") && (*e)[0]->isFloat(1)) {
    ExprRef inner = getTruth(context, (*e)[1]);
    return inner ? context.negate(inner) : nullptr;
  }
  if (e->is("arith.addf") && (*e)[1]->isFloat(1) && (*e)[0]->is("arith.mulf") && (*(*e)[0])[1]->isFloat(-1)) {
    ExprRef inner = getTruth(context, (*(*e)[0])[0]);
    return inner ? context.negate(inner) : nullptr;
  }
  return nullptr;
}

/// c · e for a constant c.
static MaskedScores splitProduct(ExprContext &context, ExprRef product) {
  ExprRef e = (*product)[0];
  double factor = (*product)[1]->number;
  if (factor <= kHidden)
    if (ExprRef hidden = getTruth(context, e))
      return {context.negate(hidden), context.number(0)};
  if (factor >= -kHidden && e->is("arith.addf") && (*e)[1]->isFloat(-1)) // (visible - 1) · 1e9
    if (ExprRef visible = getTruth(context, (*e)[0]))
      return {visible, context.number(0)};
  if (factor <= 0)
    return {context.truth(true), product};
  MaskedScores inner = splitMask(context, e);
  return {inner.visible, context.op("arith.mulf", {inner.rest, (*product)[1]})};
}

static MaskedScores splitSelect(ExprContext &context, ExprRef select) {
  ExprRef condition = (*select)[0];
  if (isHidden((*select)[1])) {
    MaskedScores other = splitMask(context, (*select)[2]);
    return {context.both(context.negate(condition), other.visible), other.rest};
  }
  if (isHidden((*select)[2])) {
    MaskedScores other = splitMask(context, (*select)[1]);
    return {context.both(condition, other.visible), other.rest};
  }
  MaskedScores a = splitMask(context, (*select)[1]), b = splitMask(context, (*select)[2]);
  return {context.op("arith.select", {condition, a.visible, b.visible}), context.op("arith.select", {condition, a.rest, b.rest})};
}

MaskedScores splitMask(ExprContext &context, ExprRef scores) {
  if (scores->is("arith.select"))
    return splitSelect(context, scores);
  if (scores->is("arith.mulf") && (*scores)[1]->kind == Kind::Float)
    return splitProduct(context, scores);
  if (scores->is("arith.maximumf") && isHidden((*scores)[1])) // kept from -inf
    return splitMask(context, (*scores)[0]);
  if (scores->is("arith.addf") || scores->is("arith.subf")) {
    ExprRef second = (*scores)[1];
    if (scores->is("arith.subf"))
      second = context.op("arith.mulf", {second, context.number(-1)});
    MaskedScores a = splitMask(context, (*scores)[0]), b = splitMask(context, second);
    if (b.visible->isInt(1))
      return {a.visible, context.op(scores->name, {a.rest, (*scores)[1]})};
    return {context.both(a.visible, b.visible), context.op("arith.addf", {a.rest, b.rest})};
  }
  return {context.truth(true), scores};
}

} // namespace attnc::raise
