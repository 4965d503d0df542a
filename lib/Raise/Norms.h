// Layer and root-mean-square normalisation as element expressions. Private to the room.
#pragma once

#include "Scores.h"

namespace attnc::raise {

/// y = (x - mean, if centered) / √(mean square + eps) · weight + bias over the last dimension of x.
struct NormMatch {
  bool centered = false;
  double eps = 0;
  ExprRef weight = nullptr, bias = nullptr; // of the last index alone
  double factor = 1;                        // a number for weight: L2 normalisation's is 1 / √n
};

/// Matches an element expression in which `x` (an element of the input, not expanded) is left as it is.
std::optional<NormMatch> matchNorm(Elements &elements, ExprRef e, ExprRef x, Miss &miss);

} // namespace attnc::raise
