// Normalisation, with its factors in any order: x · r · w + b, r = rsqrt(mean of squares + eps). The mean of squares may
// be that of differences, or E[x²] - E[x]²; a sum with √n in another factor is a mean as well.
#include "Norms.h"

#include <cmath>

using namespace mlir;

namespace attnc::raise {

namespace {
class NormMatcher {
public:
  NormMatcher(Elements &elements, ExprRef x, Miss &miss) : elements(elements), context(elements.context), x(x), last(x->operands.back()), miss(miss) {
    size = context.getVariableExtent(last->variable);
  }

  std::optional<NormMatch> match(ExprRef e) {
    NormMatch norm;
    if (e->is("arith.addf"))
      for (int side : {0, 1})
        if (isParameter((*e)[side])) {
          norm.bias = (*e)[side];
          e = (*e)[1 - side];
          break;
        }
    double constant = 1;
    ExprRef root = nullptr, value = nullptr;
    for (ExprRef factor : getFactors(e)) {
      if (factor->kind == Kind::Float)
        constant *= factor->number;
      else if (factor->is("math.rsqrt") && !root)
        root = (*factor)[0];
      else if (isParameter(factor) && !norm.weight)
        norm.weight = factor;
      else if (!value)
        value = factor;
      else
        return std::nullopt;
    }
    if (!root || !value)
      return explainOthers(e);
    norm.centered = value != x;
    if (norm.centered && !isCentered(value))
      return std::nullopt;
    if (!matchRoot(root, value, norm.eps, constant))
      return std::nullopt;
    if (std::abs(constant - 1) > 1e-5)
      norm.factor = constant;
    if (norm.factor != 1 && norm.weight)
      return std::nullopt;
    return norm;
  }

private:
  SmallVector<ExprRef> getFactors(ExprRef e) {
    if (!e->is("arith.mulf"))
      return {e};
    SmallVector<ExprRef> factors = getFactors((*e)[0]);
    llvm::append_range(factors, getFactors((*e)[1]));
    return factors;
  }

  /// Of the last index alone, and not of the input.
  bool isParameter(ExprRef e) {
    bool depends = false;
    bool other = contains(e, [&](ExprRef part) {
      depends |= part == last;
      return (part->kind == Kind::Digit && part != last) || part->value == x->value || part->kind == Kind::Outer;
    });
    return depends && !other;
  }

  /// Σ body over the last dimension, times a constant: {body with the last index as the summed one, constant}.
  std::optional<std::pair<ExprRef, double>> matchSum(ExprRef e) {
    double constant = 1;
    if (e->is("arith.mulf") && (*e)[1]->kind == Kind::Float) {
      constant = (*e)[1]->number;
      e = (*e)[0];
    }
    std::optional<Reduction> sum = elements.openExpanded(e, last);
    if (!sum || sum->combiner != "arith.addf" || !sum->init->isFloat(0) || isDynamic(size) || sum->extents[0] != size)
      return std::nullopt;
    return {{sum->body, constant}};
  }

  bool isMeanOf(ExprRef e, ExprRef body) {
    auto sum = matchSum(e);
    return sum && sum->first == body && std::abs(sum->second * size - 1) < 1e-5;
  }

  bool isCentered(ExprRef e) { return e->is("arith.subf") && (*e)[0] == x && isMeanOf((*e)[1], x); }

  /// root = mean of value² + eps, or a sum of it with the rest of the mean in `constant`.
  bool matchRoot(ExprRef root, ExprRef value, double &eps, double &constant) {
    if (root->is("arith.addf") && (*root)[1]->kind == Kind::Float) {
      eps = (*root)[1]->number;
      root = (*root)[0];
    }
    if (root->is("arith.maximumf") && (*root)[1]->isFloat(0)) // a variance that rounding made negative
      root = (*root)[0];
    if (eps < 0)
      return false;
    if (value != x && root->is("arith.subf") && isMeanOf((*root)[0], square(x)) && (*root)[1] == square((*value)[1]))
      return true;
    auto sum = matchSum(root);
    if (!sum || sum->first != square(value))
      return false;
    double scale = sum->second * size; // of a mean: 1
    constant /= std::sqrt(scale);
    eps /= scale;
    return true;
  }

  ExprRef square(ExprRef e) { return context.op("arith.mulf", {e, e}); }

  /// x / (√m + eps) and x / max(√m, eps) are other functions.
  std::optional<NormMatch> explainOthers(ExprRef e) {
    contains(e, [&](ExprRef part) {
      if (!part->is("arith.divf") || ((*part)[0] != x && !isCentered((*part)[0])))
        return false;
      ExprRef divisor = (*part)[1];
      bool hasRoot = divisor->kind == Kind::Op && divisor->operands.size() == 2 && (*divisor)[0]->is("math.sqrt") && (*divisor)[1]->kind == Kind::Float;
      if (!hasRoot || !matchSum((*(*divisor)[0])[0]))
        return false;
      if (divisor->is("arith.addf"))
        miss.reason = "eps is added to the root, not under it";
      else if (divisor->is("arith.maximumf"))
        miss.reason = "the root is bounded by a maximum, there is no eps under it";
      return true;
    });
    return std::nullopt;
  }

  Elements &elements;
  ExprContext &context;
  ExprRef x, last;
  Extent size;
  Miss &miss;
};
} // namespace

std::optional<NormMatch> matchNorm(Elements &elements, ExprRef e, ExprRef x, Miss &miss) {
  return NormMatcher(elements, x, miss).match(e);
}

} // namespace attnc::raise
