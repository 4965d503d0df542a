// Constants and polynomials, lowest power first, for f32 and f64.
//
// Each polynomial minimises the greatest relative error of the function it is used in (Remez
// exchange on 60 digits over the range given, a little wider than used). Coefficients for f32 were
// rounded one after the other, the rest fitted again each time. The exponent given is that of the
// error.
#pragma once

#include "Num.h"

#include "llvm/ADT/ArrayRef.h"

namespace attnc::elementary {

inline constexpr double kLn2 = 0x1.62e42fefa39efp-1, kLn2Low = 0x1.abc9e3b39803fp-56;
inline constexpr double kLog2E = 0x1.71547652b82fep+0, kLog2ELow = 0x1.777d0ffda0d24p-56;
inline constexpr double kLog10Of2 = 0x1.34413509f79ffp-2, kLog10Of2Low = -0x1.9dc1da994fd21p-59;
inline constexpr double kLog10E = 0x1.bcb7b1526e50ep-2;
inline constexpr double kTwoByPi = 0x1.45f306dc9c883p-1;
inline constexpr double kHalfPi = 0x1.921fb54442d18p+0, kHalfPiMiddle = 0x1.1a62633145c07p-54,
                        kHalfPiLow = -0x1.f1976b7ed8fbcp-110;
inline constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

struct Polynomial {
  llvm::ArrayRef<double> f32, f64;
};
/// By Horner's rule.
Num evaluate(const Polynomial &polynomial, Num x);

/// (e^r - 1 - r) / r², |r| ≤ ln 2 / 2.
extern const Polynomial kExponential;
/// (tanh(√z) / √z - 1) / z, z ≤ 0.55².
extern const Polynomial kTanhSmall;
inline constexpr double kTanhSmallEnd = 0.55;
/// (2·artanh(√z) / √z - 2) / z, z ≤ (3 - √8)².
extern const Polynomial kLogarithm;
/// (2·artanh(√z) / √z - 2 - ⅔z) / z², in the same range; f64 only.
extern const Polynomial kLogarithmTail;
/// (arctan(√z) / √z - 1) / z, z ≤ (√2 - 1)², and (arcsin(√z) / √z - 1) / z, z ≤ ¼; f64 only.
extern const Polynomial kArcTangent, kArcSine;
/// (sin(√z) / √z - 1) / z and (cos(√z) - 1 + z/2) / z², z ≤ (π/4)².
extern const Polynomial kSine, kCosine;
/// 2^x, |x| ≤ ½; f32 only.
extern const Polynomial kPowerOf2;
/// erf(√z) / √z - 1, z ≤ 0.92².
extern const Polynomial kErfSmall;
inline constexpr double kErfSmallEnd = 0.92;
/// log2 erfc x, 0.92 ≤ x ≤ 4; f32 only.
extern const Polynomial kErfcLogarithm;
/// (1 + 2x)·e^(x²)·erfc x of t = (x - 4) / (x + 4), ½ ≤ x ≤ 28; f64 only.
extern const Polynomial kErfc;

} // namespace attnc::elementary
