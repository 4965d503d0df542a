// log and its relatives: x = 2^k·m, √½ ≤ m < √2, log x = k·log 2 + log m.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

#include <limits>

namespace attnc::elementary {

namespace {
/// The logarithm of 2 in some base, and that base's factor to natural logarithms.
struct Base {
  double log2, log2Low, factor;
};
constexpr Base kNatural{kLn2, kLn2Low, 1}, kTwo{1, 0, kLog2E},
    kTen{kLog10Of2, kLog10Of2Low, kLog10E};
} // namespace

namespace {
/// A normal float as 2^k·(1 + f).
struct Split {
  Num k, f;
};
} // namespace

/// Of a normal float; k gets extraExponent on top.
static Split split(Num x, Num extraExponent) {
  Format format = getFormat(x);
  Num sqrtHalf = x.literal(kSqrtHalf).bits();
  Num k = (x.bits() - sqrtHalf) >> format.mantissaBits;
  Num m = (x.bits() - (k << format.mantissaBits)).asFloat();
  // A small integer becomes a float by the trick of roundProduct, backwards.
  Num magic = x.literal(x.choose(0x1.8p23, 0x1.8p52));
  return {(k + extraExponent + magic.bits()).asFloat() - magic, m - 1};
}

/// Of any positive float: subnormal numbers are made normal first.
static Split split(Num x) {
  Format format = getFormat(x);
  Num isSmall = x < format.smallestNormal;
  Num normal = select(isSmall, x * x.choose(0x1p23, 0x1p52), x);
  Num zero = x.bits().integer(0);
  return split(normal, select(isSmall, zero.integer(-format.mantissaBits), zero));
}

/// log(1 + f) = 2 artanh s, s = f / (2 + f), as f - f²/2 + s·(f²/2 + s²·P(s²)).
static Num logMantissa(Num f) {
  Num s = f / (f + 2), z = s * s;
  Num half = f * f * 0.5;
  Num rest = fma(z, evaluate(kLogarithm, z), half);
  return f - (half - s * rest);
}

/// log of x where that is a number; the edges follow from x.
static Num atEdges(Num x, Num zero, Num result) {
  double infinity = std::numeric_limits<double>::infinity();
  Num outside =
      select(x == zero, x.literal(-infinity), x.literal(std::numeric_limits<double>::quiet_NaN()));
  return select(x > zero, select(x < infinity, result, x), outside);
}

static Num logInBase(Num x, Base base) {
  auto [k, f] = split(x);
  Num mantissa = logMantissa(f);
  if (base.factor != 1)
    mantissa = mantissa * base.factor;
  Parts log2 = getParts(x, base.log2, base.log2Low);
  Num result = fma(k, log2.high, fma(k, log2.low, mantissa));
  return atEdges(x, x.literal(0), result);
}

Num log(Num x) { return logInBase(x, kNatural); }
Num log2(Num x) { return logInBase(x, kTwo); }
Num log10(Num x) { return logInBase(x, kTen); }

/// log(1 + x) = log u + c / u, where u = 1 + x rounded and c is what was lost.
Num log1p(Num x) {
  Num u = x + 1;
  Num lost = (x - (u - 1)) / u;
  auto [k, f] = split(u, x.bits().integer(0));
  Parts ln2 = getParts(x, kLn2, kLn2Low);
  Num result = fma(k, ln2.high, fma(k, ln2.low, logMantissa(f) + lost));
  Num edges = atEdges(x, x.literal(-1), result);
  return select(x == x.literal(0), x, edges); // -0 stays
}

/// log(1 + sum); where sum, about 2x, comes from an infinite square, log 2 + log x.
static Num logOfTwice(Num x, Num sum) {
  Num isLarge = x > 0x1p500;
  return log1p(select(isLarge, x, sum)) + select(isLarge, kLn2, x.literal(0));
}

/// log(a + √(a² + 1)), a = |x|
Num asinh(Num x) {
  Num a = abs(x), square = a * a;
  return copySign(logOfTwice(a, a + square / (sqrt(square + 1) + 1)), x);
}

/// log(1 + t + √(2t + t²)), t = x - 1
Num acosh(Num x) {
  Num t = x - 1;
  Num result = logOfTwice(x, t + sqrt(fma(t, t, t * 2)));
  return select(x < 1, std::numeric_limits<double>::quiet_NaN(), result);
}

/// log((1 + a) / (1 - a)) / 2, a = |x|
Num atanh(Num x) {
  Num a = abs(x);
  return copySign(log1p((a * 2) / (1 - a)) * 0.5, x);
}

/// The logarithm to base 2 of a positive finite f64 in two parts: with s and z = s² in two parts as
/// well, 2s + ⅔s³ + s⁵·P(z).
Parts log2Parts(Num x) {
  auto [k, f] = split(x);
  Num zero = x.literal(0);
  Parts denominator = sum(f.literal(2), f);
  Num s = f / denominator.high;
  Num left = fma(-s, denominator.high, f) - s * denominator.low;
  Parts quotient = sum(s, left / denominator.high);
  Parts z = quotient * quotient;
  Parts cubic = quotient * z * getParts(x, 2.0 / 3, 0x1.5555555555555p-55);
  Num tail = s * z.high * z.high * evaluate(kLogarithmTail, z.high);
  Parts twice{quotient.high * 2, quotient.low * 2};
  Parts natural = twice + (cubic + Parts{tail, zero});
  return Parts{k, zero} + natural * getParts(x, kLog2E, kLog2ELow);
}

} // namespace attnc::elementary
