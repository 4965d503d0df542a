// Rotary position embedding as element expressions. Private to the room.
#pragma once

#include "Elements.h"
#include "Scores.h"

namespace attnc::raise {

/// Pairs of elements of the last dimension are turned by position · frequency.
struct RotaryMatch {
  ExprRef position;  // an integer: of indices in front of the last
  ExprRef frequency; // of the pair's number
  double factor = 1; // on cosines and sines
  double scale = 1;  // on the angle
};

/// Matches the two elements of a pair: `pair` is its number, x[n] the input's elements (not expanded), y[n] the result's.
std::optional<RotaryMatch> matchRotary(ExprContext &context, ExprRef pair, llvm::ArrayRef<ExprRef> x, llvm::ArrayRef<ExprRef> y, Miss &miss);

/// The value of an expression of this part of it (an index, or an element) alone; none where it is of anything else.
std::optional<double> evaluateAt(ExprRef e, ExprRef index, double value);

} // namespace attnc::raise
