// Rounding, limits and classes of floats.
#include "Functions.h"

#include "llvm/ADT/APFloat.h"

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
