// exp and its relatives: x = k·ln 2 + r, |r| ≤ ln 2 / 2, e^x = 2^k·e^r.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

namespace attnc::elementary {

namespace {
struct Reduced {
  Num k, r;
};
} // namespace

/// k as an integer, and r: the first fma is exact, since x and k·ln 2 are multiples of the last bit
/// of ln 2's high part and their difference is below 1.
static Reduced reduce(Num x) {
  Rounded k = roundProduct(x, x.literal(kLog2E));
  Parts ln2 = getParts(x, kLn2, kLn2Low);
  Num r = fma(-k.number, ln2.high, x);
  return {k.integer, fma(-k.number, ln2.low, r)};
}

/// e^r - 1 = r + r²·P(r)
static Num expm1Reduced(Num r) { return fma(r * r, evaluate(kExponential, r), r); }

/// e^x / 2^halvings
static Num exponential(Num x, int64_t halvings = 0) {
  // Outside, the result is 0 or infinite, and k no exponent.
  auto [k, r] = reduce(clamp(x, x.choose(-104, -746), x.choose(90, 711)));
  return scale(expm1Reduced(r) + 1, halvings ? k - k.integer(halvings) : k);
}

Num exp(Num x) { return exponential(x); }

/// log 2^-100
static constexpr double kExpNormalLow = -69.31;

/// 2^k needs no care where it is a normal number: its exponent field is the low bits of a sum that rounds to whole numbers.
Num expNormal(Num x) {
  if (x.isF64())
    return exp(x);
  Num high = select(x > 88.37, x.literal(88.37), x), magic = x.literal(0x1.8p23 + 127);
  Num sum = fma(high, kLog2E, magic), k = sum - magic;
  Parts ln2 = getParts(x, kLn2, kLn2Low);
  Num r = fma(-k, ln2.low, fma(-k, ln2.high, high));
  Num series = fma(r, fma(r, evaluate(kExponential, r), 1), 1);
  Num result = series * (sum.bits() << 23).asFloat();
  return select(x < kExpNormalLow, x.literal(0), result);
}

Num exp(Parts x) {
  auto [k, r] = reduce(clamp(x.high, x.high.choose(-104, -746), x.high.choose(90, 711)));
  return scale(expm1Reduced(r + x.low) + 1, k);
}

Num exp2(Num x) { return exp2(Parts{x, x.literal(0)}); }

Num exp2(Parts x) {
  Num clamped = clamp(x.high, x.high.choose(-151, -1076), x.high.choose(129, 1025));
  Rounded k = roundProduct(clamped, clamped.literal(1));
  return scale(expm1Reduced(((clamped - k.number) + x.low) * kLn2) + 1, k.integer);
}

Num expm1(Num x) {
  auto [k, r] = reduce(clamp(x, x.choose(-20, -40), x.choose(89, 710)));
  // 2^k·(e^r - 1) + (2^k - 1), in halves since 2^k may be out of range.
  Num half = exponential2(k - k.integer(1));
  Num result = fma(expm1Reduced(r), half, half - 0.5) * 2;
  return select(abs(x) < x.choose(0x1p-30, 0x1p-60), x, result);
}

/// With y = e^|x| - 1: (y + y / (y + 1)) / 2; above 1, with h = e^|x| / 2, h - 1 / 4h, where h is
/// in range as long as the result is.
Num sinh(Num x) {
  Num a = abs(x), y = expm1(a), h = exponential(a, 1);
  Num small = (y + y / (y + 1)) * 0.5;
  return copySign(select(a < 1, small, h - 0.25 / h), x);
}

Num cosh(Num x) {
  Num h = exponential(abs(x), 1);
  return h + 0.25 / h;
}

/// x + x³·P(x²) up to 0.55; from there 1 - 2e / (1 + e), e = e^(-2|x|), which never overflows.
Num tanh(Num x) {
  Num a = abs(x), z = a * a, e = exp(a * -2);
  Num small = fma(a * z, evaluate(kTanhSmall, z), a);
  Num large = 1 - (e * 2) / (e + 1);
  return copySign(select(a < kTanhSmallEnd, small, large), x);
}

} // namespace attnc::elementary
