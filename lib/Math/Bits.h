// Tricks on the representation of floats: 2^k, nearest integers, numbers in two parts.
#pragma once

#include "Num.h"

namespace attnc::elementary {

/// What of IEEE 754 the functions need.
struct Format {
  int64_t mantissaBits, bias;
  double smallestNormal;
};
Format getFormat(Num x);

/// high + low; low is what high was rounded by.
struct Parts {
  Num high, low;
};
/// A constant, given in f64, for x's type.
Parts getParts(Num x, double high, double low);
/// x + y and x·y without any rounding.
Parts sum(Num x, Num y);
Parts product(Num x, Num y);
/// To about twice the digits of the type.
Parts operator+(Parts x, Parts y);
Parts operator*(Parts x, Parts y);

/// An integer as a float and as the integer of the same width. The latter is arbitrary where the
/// float is not below 2^22 (f32) or 2^51 (f64).
struct Rounded {
  Num number, integer;
};
/// The integer nearest to x·factor, ties to even.
Rounded roundProduct(Num x, Num factor);

/// 2^k for an integer k that is the exponent of a normal float.
Num exponential2(Num k);
/// x·2^k, with one rounding, also where 2^k itself is out of range (by up to twice).
Num scale(Num x, Num k);

} // namespace attnc::elementary
