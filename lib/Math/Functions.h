// The functions, on Num of f32 or f64. Each says how its argument is reduced to where a polynomial
// holds (Polynomials.h); test/Math measures the errors. Private to the room.
#pragma once

#include "Num.h"

namespace attnc::elementary {

// Exponential.cpp
Num exp(Num x);
Num exp2(Num x);
Num expm1(Num x);
Num tanh(Num x);

// Logarithm.cpp
Num log(Num x);
Num log2(Num x);
Num log10(Num x);
Num log1p(Num x);

// ErrorFunction.cpp
Num erf(Num x);
/// f64 only.
Num erfc(Num x);

// Trigonometry.cpp
Num sin(Num x);
Num cos(Num x);

} // namespace attnc::elementary
