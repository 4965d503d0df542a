// The functions, on Num of f32 or f64. Each says how its argument is reduced to where a polynomial
// holds (Polynomials.h); test/Math measures the errors. Private to the room.
#pragma once

#include "Bits.h"

namespace attnc::elementary {

// Exponential.cpp
Num exp(Num x);
/// The same within 2^-100 … 2^127 (f32): below it is 0, above it stays there.
Num expNormal(Num x);
Num exp(Parts x);
Num exp2(Num x);
Num exp2(Parts x);
Num expm1(Num x);
Num sinh(Num x); // f64 only, as is every function marked so
Num cosh(Num x); // f64
Num tanh(Num x);

// Logarithm.cpp
Num log(Num x);
Num log2(Num x);
Num log10(Num x);
Num log1p(Num x);
Num asinh(Num x); // f64
Num acosh(Num x); // f64
Num atanh(Num x); // f64
/// Of a positive finite number.
Parts log2Parts(Num x); // f64

// ErrorFunction.cpp
Num erf(Num x);
Num erfc(Num x); // f64

// Trigonometry.cpp
Num sin(Num x);
Num cos(Num x);
Num tan(Num x);

// InverseTrigonometry.cpp
Num asin(Num x);         // f64
Num acos(Num x);         // f64
Num atan(Num x);         // f64
Num atan2(Num y, Num x); // f64

// Power.cpp
Num powf(Num x, Num y);  // f64
Num fpowi(Num x, Num n); // f64
Num ipowi(Num x, Num n); // integers
Num cbrt(Num x);         // f64
Num rsqrt(Num x);

// Rounding.cpp
Num round(Num x);
Num clampf(Num x, Num low, Num high);
/// x - n·y, n = x/y rounded towards zero, of f64 that hold f32.
Num remf(Num x, Num y);
// Of any float; the result is i1.
Num isNaN(Num x);
Num isInfinite(Num x);
Num isFinite(Num x);
Num isNormal(Num x);

} // namespace attnc::elementary
