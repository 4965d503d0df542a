// erf and erfc. Near 0 an odd polynomial; from there on by erfc, of which f32 needs only what is
// not lost in 1 - erfc.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

namespace attnc::elementary {

/// erf x = x + x·P(x²) for |x| ≤ 0.92
static Num erfSmall(Num x) { return fma(x, evaluate(kErfSmall, x * x), x); }

/// erfc x for x ≥ ½ in f64: e^(-x²)·P(t) / (1 + 2x), t = (x - 4) / (x + 4) (the form of Shepherd
/// and Laframboise, Math. Comp. 36, 1981).
static Num erfcLarge(Num x) {
  Num a = clamp(x, 0.5, 28); // erfc 28 is 0
  Parts square = product(a, a);
  Num e = exp(Parts{-square.high, -square.low});
  Num t = (a - 4) / (a + 4);
  return e * (evaluate(kErfc, t) / fma(a, 2, x.literal(1)));
}

/// 1 - erfc a for a ≥ 0.92 in f32: with y = log2 erfc a and k the whole number next to it, 1 - 2^k·2^(y - k). The low bits of a sum
/// that rounds to whole numbers are k, and the exponent field of 2^k, which is a normal number. (erf 4 is 1.)
static Num erfLarge(Num a) {
  Num y = evaluate(kErfcLogarithm, select(a > 4, a.literal(4), a)), magic = a.literal(0x1.8p23 + 127);
  Num sum = y + magic, k = sum - magic;
  return fma(-evaluate(kPowerOf2, y - k), (sum.bits() << 23).asFloat(), 1);
}

Num erf(Num x) {
  Num a = abs(x);
  Num large = x.isF64() ? 1 - erfcLarge(a) : erfLarge(a);
  return select(a < kErfSmallEnd, erfSmall(x), copySign(large, x));
}

Num erfc(Num x) {
  Num a = abs(x), large = erfcLarge(a);
  Num result = select(x > 0, large, 2 - large);
  return select(a < 0.65, 1 - erfSmall(x), result);
}

} // namespace attnc::elementary
