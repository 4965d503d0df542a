// math: one function an op, on one element, in double.
#include "Internal.h"

#include <cmath>

using namespace mlir;

namespace attnc::reference {

using S = const Scalar *;
using T = const ScalarTypes &;
using P = const char *&;

static Scalar number(double value) { return {.f = value}; }
static Scalar boolean(bool value) { return {.i = value}; }

/// x^n by repeated multiplication; a negative n of integers divides as integers do.
static double power(double base, int64_t exponent) {
  return std::pow(base, static_cast<double>(exponent));
}

static int64_t integerPower(int64_t base, int64_t exponent, unsigned width, P problem) {
  if (exponent < 0) {
    if (base == 0)
      problem = "division by zero";
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1)
                                      : 0;
  }
  uint64_t result = 1, factor = static_cast<uint64_t>(base);
  for (; exponent; exponent >>= 1, factor *= factor)
    if (exponent & 1)
      result *= factor;
  return wrap(static_cast<int64_t>(result), width);
}

static void addExponentials(ScalarTable &table) {
  table["math.exp"] = {[](S x, T, P) { return number(std::exp(x[0].f)); }};
  table["math.exp2"] = {[](S x, T, P) { return number(std::exp2(x[0].f)); }};
  table["math.expm1"] = {[](S x, T, P) { return number(std::expm1(x[0].f)); }};
  table["math.log"] = {[](S x, T, P) { return number(std::log(x[0].f)); }};
  table["math.log2"] = {[](S x, T, P) { return number(std::log2(x[0].f)); }};
  table["math.log10"] = {[](S x, T, P) { return number(std::log10(x[0].f)); }};
  table["math.log1p"] = {[](S x, T, P) { return number(std::log1p(x[0].f)); }};
  table["math.sqrt"] = {[](S x, T, P) { return number(std::sqrt(x[0].f)); }};
  table["math.rsqrt"] = {[](S x, T, P) { return number(1 / std::sqrt(x[0].f)); }};
  table["math.cbrt"] = {[](S x, T, P) { return number(std::cbrt(x[0].f)); }};
  table["math.powf"] = {[](S x, T, P) { return number(std::pow(x[0].f, x[1].f)); }};
  table["math.fpowi"] = {[](S x, T, P) { return number(power(x[0].f, x[1].i)); }};
  table["math.ipowi"] = {[](S x, T t, P problem) {
    return Scalar{
        .i = integerPower(asSigned(x[0].i, t.width), asSigned(x[1].i, t.width), t.width, problem)};
  }};
  table["math.erf"] = {[](S x, T, P) { return number(std::erf(x[0].f)); }};
  table["math.erfc"] = {[](S x, T, P) { return number(std::erfc(x[0].f)); }};
}

static void addTrigonometry(ScalarTable &table) {
  table["math.sin"] = {[](S x, T, P) { return number(std::sin(x[0].f)); }};
  table["math.cos"] = {[](S x, T, P) { return number(std::cos(x[0].f)); }};
  table["math.tan"] = {[](S x, T, P) { return number(std::tan(x[0].f)); }};
  table["math.asin"] = {[](S x, T, P) { return number(std::asin(x[0].f)); }};
  table["math.acos"] = {[](S x, T, P) { return number(std::acos(x[0].f)); }};
  table["math.atan"] = {[](S x, T, P) { return number(std::atan(x[0].f)); }};
  table["math.atan2"] = {[](S x, T, P) { return number(std::atan2(x[0].f, x[1].f)); }};
  table["math.sinh"] = {[](S x, T, P) { return number(std::sinh(x[0].f)); }};
  table["math.cosh"] = {[](S x, T, P) { return number(std::cosh(x[0].f)); }};
  table["math.tanh"] = {[](S x, T, P) { return number(std::tanh(x[0].f)); }};
  table["math.asinh"] = {[](S x, T, P) { return number(std::asinh(x[0].f)); }};
  table["math.acosh"] = {[](S x, T, P) { return number(std::acosh(x[0].f)); }};
  table["math.atanh"] = {[](S x, T, P) { return number(std::atanh(x[0].f)); }};
  table["math.sincos"] = {[](S x, T, P) { return number(std::sin(x[0].f)); },
                          [](S x, T, P) { return number(std::cos(x[0].f)); }};
}

static void addRounding(ScalarTable &table) {
  table["math.absf"] = {[](S x, T, P) { return number(std::fabs(x[0].f)); }};
  table["math.ceil"] = {[](S x, T, P) { return number(std::ceil(x[0].f)); }};
  table["math.floor"] = {[](S x, T, P) { return number(std::floor(x[0].f)); }};
  table["math.trunc"] = {[](S x, T, P) { return number(std::trunc(x[0].f)); }};
  table["math.round"] = {[](S x, T, P) { return number(std::round(x[0].f)); }};
  table["math.roundeven"] = {[](S x, T, P) { return number(std::nearbyint(x[0].f)); }};
  table["math.copysign"] = {[](S x, T, P) { return number(std::copysign(x[0].f, x[1].f)); }};
  table["math.fma"] = {[](S x, T, P) { return number(std::fma(x[0].f, x[1].f, x[2].f)); }};
  table["math.clampf"] = {[](S x, T, P) {
    bool anyNaN = std::isnan(x[0].f) || std::isnan(x[1].f) || std::isnan(x[2].f);
    return number(anyNaN ? std::nan("") : std::fmin(std::fmax(x[0].f, x[1].f), x[2].f));
  }};
  table["math.isfinite"] = {[](S x, T, P) { return boolean(std::isfinite(x[0].f)); }};
  table["math.isinf"] = {[](S x, T, P) { return boolean(std::isinf(x[0].f)); }};
  table["math.isnan"] = {[](S x, T, P) { return boolean(std::isnan(x[0].f)); }};
  table["math.isnormal"] = {[](S x, T, P) { return boolean(std::isnormal(x[0].f)); }};
}

static void addBits(ScalarTable &table) {
  table["math.absi"] = {[](S x, T t, P) {
    int64_t value = asSigned(x[0].i, t.width);
    return Scalar{.i = wrap(value < 0 ? static_cast<int64_t>(-static_cast<uint64_t>(value)) : value,
                            t.width)};
  }};
  table["math.ctlz"] = {[](S x, T t, P) {
    int zeros = llvm::countl_zero(asUnsigned(x[0].i, t.width)) - (64 - int(t.width));
    return Scalar{.i = wrap(zeros, t.width)};
  }};
  table["math.cttz"] = {[](S x, T t, P) {
    int zeros = std::min<int>(llvm::countr_zero(asUnsigned(x[0].i, t.width)), t.width);
    return Scalar{.i = wrap(zeros, t.width)};
  }};
  table["math.ctpop"] = {[](S x, T t, P) {
    return Scalar{.i = wrap(llvm::popcount(asUnsigned(x[0].i, t.width)), t.width)};
  }};
}

void addMathScalars(ScalarTable &table) {
  addExponentials(table);
  addTrigonometry(table);
  addRounding(table);
  addBits(table);
}

} // namespace attnc::reference
