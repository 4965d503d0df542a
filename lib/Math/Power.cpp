// Powers and roots: x^y = 2^(y·log2 x), with the logarithm in two parts, since y multiplies its
// error.
#include "Bits.h"
#include "Functions.h"

#include <limits>

namespace attnc::elementary {

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// a^y for a ≥ 0 in f64, except for 1^∞ and x^0.
static Num power(Num a, Num y) {
  Parts logarithm = log2Parts(a);
  Parts exponent = product(y, logarithm.high);
  // Beyond ±2000 the result is 0 or infinite, and the low part may be NaN.
  Num low = fma(y, logarithm.low, exponent.low);
  Num isInRange = abs(exponent.high) < 2000;
  Num result = exp2(Parts{exponent.high, select(isInRange, low, 0)});
  Num isZero = a == 0, zero = a.literal(0);
  Num edge = select(isZero ^ (y > 0), kInfinity, zero);
  return select(isZero | (a == kInfinity), edge, result);
}

/// From |x|^y, x^y: the sign that an odd y gives, and what y = 0, |x| = 1 and NaN make of
/// everything.
static Num withSign(Num x, Num y, Num isOdd, Num magnitude) {
  Num positive = select(abs(x) == 1, 1, magnitude);
  Num result = select(isOdd, copySign(positive, x), positive);
  Num isNumber = (x == x) & (y == y);
  return select((x == 1) | (y == 0), 1, select(isNumber, result, x + y));
}

Num powf(Num x, Num y) {
  Num half = y * 0.5, isFraction = floor(y) != y;
  Num isOdd = (floor(y) == y) & (floor(half) != half);
  Num isUndefined = (x < 0) & (x > -kInfinity) & isFraction & (y == y);
  return select(isUndefined, kNaN, withSign(x, y, isOdd, power(abs(x), y)));
}

Num fpowi(Num x, Num n) {
  Num y = n.toFloatFrom(x.getElementType());
  Num isOdd = (n & n.integer(1)) != n.integer(0);
  return withSign(x, y, isOdd, power(abs(x), y));
}

/// By squaring. Of a negative n, 1 / x^-n rounded towards zero; 0 for x = 0.
Num ipowi(Num x, Num n) {
  Num zero = n.integer(0), one = n.integer(1);
  unsigned width = n.getElementType().isIndex() ? 64 : n.getWidth();
  Num result = one, factor = x;
  for (unsigned bit = 0; bit + 1 < width; ++bit) {
    Num isSet = (n & n.integer(int64_t(1) << bit)) != zero;
    result = select(isSet, result * factor, result);
    factor = factor * factor;
  }
  Num isUnit = (x == one) | (x == n.integer(-1));
  Num unit = select((n & one) != zero, x, one);
  return select(n < zero, select(isUnit, unit, zero), result);
}

/// 2^(log2 |x| / 3), and one step of Newton's method on y³ = |x|.
Num cbrt(Num x) {
  Num a = abs(x), isSmall = a < 0x1p-900;
  Num scaled = select(isSmall, a * 0x1p54, a);
  Num y = exp2(log2(scaled) * (1.0 / 3));
  Num square = y * y;
  Num root = y - fma(square, y, -scaled) / (square * 3);
  root = select(isSmall, root * 0x1p-18, root);
  return copySign(select((a > 0) & (a < kInfinity), root, a), x);
}

Num rsqrt(Num x) { return 1 / sqrt(x); }

} // namespace attnc::elementary
