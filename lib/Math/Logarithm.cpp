// log and its relatives: x = 2^k·m, √½ ≤ m < √2, log x = k·log 2 + log m.
#include "Bits.h"
#include "Functions.h"
#include "Polynomials.h"

#include <limits>

namespace attnc::elementary {

namespace {
/// The natural logarithm of m, and k.
struct Logarithm {
  Num k, ofMantissa;
};
/// The logarithm of 2 in some base, and that base's factor to natural logarithms.
struct Base {
  double log2, log2Low, factor;
};
constexpr Base kNatural{kLn2, kLn2Low, 1}, kTwo{1, 0, kLog2E},
    kTen{kLog10Of2, kLog10Of2Low, kLog10E};
} // namespace

/// Of a normal float; k gets extraExponent on top.
static Logarithm logarithm(Num x, Num extraExponent) {
  Format format = getFormat(x);
  Num sqrtHalf = x.literal(kSqrtHalf).bits();
  Num k = (x.bits() - sqrtHalf) >> format.mantissaBits;
  Num m = (x.bits() - (k << format.mantissaBits)).asFloat();
  // log(1 + f) = 2 artanh s, s = f / (2 + f), as f - f²/2 + s·(f²/2 + s²·P(s²)).
  Num f = m - 1, s = f / (f + 2), z = s * s;
  Num half = f * f * 0.5;
  Num rest = fma(z, evaluate(kLogarithm, z), half);
  // A small integer becomes a float by the trick of roundProduct, backwards.
  Num magic = x.literal(x.choose(0x1.8p23, 0x1.8p52));
  Num exponent = (k + extraExponent + magic.bits()).asFloat() - magic;
  return {exponent, f - (half - s * rest)};
}

/// log of x where that is a number; the edges follow from x.
static Num atEdges(Num x, Num zero, Num result) {
  double infinity = std::numeric_limits<double>::infinity();
  Num outside =
      select(x == zero, x.literal(-infinity), x.literal(std::numeric_limits<double>::quiet_NaN()));
  return select(x > zero, select(x < infinity, result, x), outside);
}

static Num logInBase(Num x, Base base) {
  Format format = getFormat(x);
  // Subnormal numbers are made normal first.
  Num isSmall = x < format.smallestNormal;
  Num normal = select(isSmall, x * x.choose(0x1p23, 0x1p52), x);
  Num zero = x.bits().integer(0);
  auto [k, mantissa] = logarithm(normal, select(isSmall, zero.integer(-format.mantissaBits), zero));
  Parts log2 = getParts(x, base.log2, base.log2Low);
  Num small = base.factor == 1 ? mantissa : mantissa * base.factor;
  Num result = fma(k, log2.high, fma(k, log2.low, small));
  return atEdges(x, x.literal(0), result);
}

Num log(Num x) { return logInBase(x, kNatural); }
Num log2(Num x) { return logInBase(x, kTwo); }
Num log10(Num x) { return logInBase(x, kTen); }

/// log(1 + x) = log u + c / u, where u = 1 + x rounded and c is what was lost.
Num log1p(Num x) {
  Num u = x + 1;
  Num lost = (x - (u - 1)) / u;
  auto [k, mantissa] = logarithm(u, x.bits().integer(0));
  Parts ln2 = getParts(x, kLn2, kLn2Low);
  Num result = fma(k, ln2.high, fma(k, ln2.low, mantissa + lost));
  Num edges = atEdges(x, x.literal(-1), result);
  return select(x == x.literal(0), x, edges); // -0 stays
}

} // namespace attnc::elementary
