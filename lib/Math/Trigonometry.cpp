// sin and cos: x = q·π/2 + r, |r| ≤ π/4; q mod 4 says which of ±sin r, ±cos r it is.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

#include <limits>

namespace attnc::elementary {

namespace {
/// q's low bits, and r in two parts (the second is 0 in f32).
struct Angle {
  Num quadrant, high;
  std::optional<Num> low;
};
} // namespace

/// Up to here q is exact enough for |r| ≤ 0.79; beyond, sin and cos are NaN.
static constexpr double kLargestAngle = 0x1p46;

/// In f64, with π/2 in three parts. x - q·high is exact (see exp); what q·middle and the
/// subtraction round away goes to the low part, since r may be as small as 2^-60.
static Angle reduceF64(Num x) {
  double nan = std::numeric_limits<double>::quiet_NaN();
  x = select(abs(x) <= kLargestAngle, x, x.literal(nan));
  Rounded q = roundProduct(x, x.literal(kTwoByPi));
  Num r = fma(-q.number, kHalfPi, x);
  Num w = q.number * kHalfPiMiddle;
  Num lost = fma(q.number, kHalfPiMiddle, -w);
  Num high = r - w;
  Num back = high - r; // two-sum: the error of r - w is (r - (high - back)) - (w + back)
  Num error = (r - (high - back)) - (w + back);
  return {q.integer, high, fma(-q.number, kHalfPiLow, error - lost)};
}

static Angle reduce(Num x) {
  if (x.isF64())
    return reduceF64(x);
  Angle angle = reduceF64(x.toFloat(x.getBuilder().getF64Type()));
  return {angle.quadrant.truncate(32), angle.high.toFloat(x.getElementType()), std::nullopt};
}

/// sin(r + l) = r + r³·P(r²) + l
static Num sinReduced(const Angle &angle) {
  Num r = angle.high, z = r * r;
  Num cube = r * z;
  Num tail = angle.low ? fma(cube, evaluate(kSine, z), *angle.low) : cube * evaluate(kSine, z);
  return copySign(r + tail, r); // -0 stays
}

/// cos(r + l) = 1 - r²/2 + r⁴·P(r²) - l·r
static Num cosReduced(const Angle &angle) {
  Num r = angle.high, z = r * r;
  Num tail = z * z * evaluate(kCosine, z);
  if (angle.low)
    tail = fma(-*angle.low, r, tail);
  // 1 - r²/2 rounded, and what that lost.
  Num half = z * 0.5, most = 1 - half;
  return most + (((1 - most) - half) + tail);
}

/// -x where the bit of the quadrant is set.
static Num negateIf(Num x, Num quadrant, int64_t bit) {
  Num sign = (quadrant & quadrant.integer(bit)) << (x.getWidth() - (bit == 1 ? 1 : 2));
  return (x.bits() ^ sign).asFloat();
}

static Num isOdd(Num quadrant) { return (quadrant & quadrant.integer(1)) != quadrant.integer(0); }

static Num sinAt(const Angle &angle) {
  Num value = select(isOdd(angle.quadrant), cosReduced(angle), sinReduced(angle));
  return negateIf(value, angle.quadrant, 2);
}

Num sin(Num x) { return sinAt(reduce(x)); }

/// sin(x + π/2)
Num cos(Num x) {
  Angle angle = reduce(x);
  angle.quadrant = angle.quadrant + angle.quadrant.integer(1);
  return sinAt(angle);
}

/// sin r / cos r, or -cos r / sin r
Num tan(Num x) {
  Angle angle = reduce(x);
  Num s = sinReduced(angle), c = cosReduced(angle), odd = isOdd(angle.quadrant);
  return negateIf(select(odd, c, s) / select(odd, s, c), angle.quadrant, 1);
}

} // namespace attnc::elementary
