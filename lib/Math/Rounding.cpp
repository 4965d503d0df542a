// Rounding, limits and classes of floats.
#include "Functions.h"

#include "llvm/ADT/APFloat.h"

#include <cmath>
#include <limits>

namespace attnc::elementary {

/// Halves away from zero: what is added is the float below ½, which alone does not carry 0.49…
/// to 1.
Num round(Num x) {
  Num half = x.literal(x.choose(0x1.fffffep-2, 0x1.fffffffffffffp-2));
  return truncate(x + copySign(half, x));
}

Num clampf(Num x, Num low, Num high) { return min(max(x, low), high); }

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Long division, 28 bits of the quotient at a time: their products with 24 bits are exact.
Num remf(Num x, Num y) {
  Num rest = abs(x), divisor = abs(y);
  for (int shift = 252; shift >= 0; shift -= 28) { // quotients are below 2^277
    Num part = divisor * std::ldexp(1.0, shift);
    rest = fma(-truncate(rest / part), part, rest);
    rest = select(rest < 0, rest + part, rest); // where the quotient was rounded up
  }
  Num isWhole = (divisor == kInfinity) & (abs(x) < kInfinity);
  return copySign(select(isWhole, abs(x), rest), x);
}

Num isNaN(Num x) { return x != x; }
Num isInfinite(Num x) { return abs(x) == kInfinity; }
Num isFinite(Num x) { return abs(x) < kInfinity; }

Num isNormal(Num x) {
  const llvm::fltSemantics &semantics =
      llvm::cast<mlir::FloatType>(x.getElementType()).getFloatSemantics();
  llvm::APFloat smallest = llvm::APFloat::getSmallestNormalized(semantics);
  Num a = abs(x);
  return isFinite(x) & (smallest.convertToDouble() <= a);
}

} // namespace attnc::elementary
