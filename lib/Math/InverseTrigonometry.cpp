// asin, acos, atan, atan2, in f64.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

#include <limits>

namespace attnc::elementary {

/// x + x³·P(x²)
static Num evaluateOdd(const Polynomial &polynomial, Num x) {
  Num z = x * x;
  return fma(x * z, evaluate(polynomial, z), x);
}

namespace {
/// The arcsine of |x|, or above ½ that of √((1 - |x|) / 2), which is (π/2 - arcsin |x|) / 2.
struct ArcSine {
  Num isLarge, value;
};
} // namespace

static ArcSine arcSine(Num x) {
  Num a = abs(x), isLarge = a > 0.5;
  return {isLarge, evaluateOdd(kArcSine, select(isLarge, sqrt((1 - a) * 0.5), a))};
}

Num asin(Num x) {
  auto [isLarge, value] = arcSine(x);
  Num large = kHalfPi - (value * 2 - kHalfPiMiddle);
  return copySign(select(isLarge, large, value), x);
}

Num acos(Num x) {
  auto [isLarge, value] = arcSine(x);
  Num twice = value * 2;
  Num large = select(x > 0, twice, 2 * kHalfPi - (twice - 2 * kHalfPiMiddle));
  return select(isLarge, large, kHalfPi - (copySign(value, x) - kHalfPiMiddle));
}

/// The angle of (x, y) in the first quadrant: 0, π/4 or π/2 plus the arctangent of y/x where that
/// is below √2 - 1, of (y - x) / (y + x), or of -x/y above √2 + 1.
static Num angle(Num x, Num y) {
  // Infinite in both directions is the diagonal. Large numbers are scaled, so that sums are finite.
  double infinity = std::numeric_limits<double>::infinity();
  Num bothInfinite = (x == infinity) & (y == infinity);
  x = select(bothInfinite, 1, x);
  y = select(bothInfinite, 1, y);
  Num scale = select(max(x, y) > 1, x.literal(0.25), x.literal(1));
  x = x * scale;
  y = y * scale;

  Num isSteep = y > x * 0x1.3504f333f9de6p+1;    // 1 + √2
  Num isDiagonal = y > x * 0x1.a827999fcef32p-2; // √2 - 1
  Num numerator = select(isSteep, -x, select(isDiagonal, y - x, y));
  Num denominator = select(isSteep, y, select(isDiagonal, y + x, x));
  Num t = numerator / select(denominator == 0, 1, denominator);
  Num zero = x.literal(0);
  Num start = select(isSteep, kHalfPi, select(isDiagonal, kHalfPi / 2, zero));
  Num startLow = select(isSteep, kHalfPiMiddle, select(isDiagonal, kHalfPiMiddle / 2, zero));
  Num z = t * t;
  return start + fma(t * z, evaluate(kArcTangent, z), startLow + t);
}

Num atan2(Num y, Num x) {
  Num first = angle(abs(x), abs(y));
  Num bits = x.bits();
  Num left = 2 * kHalfPi - (first - 2 * kHalfPiMiddle);
  return copySign(select(bits < bits.integer(0), left, first), y);
}

Num atan(Num x) { return atan2(x, x.literal(1)); }

} // namespace attnc::elementary
