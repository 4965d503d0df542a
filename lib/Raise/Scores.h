// What stands between the product of queries and keys and that of weights and values. Private to the room.
#pragma once

#include "Elements.h"

namespace attnc::raise {

/// Why a graph that looks like a known one is none; empty where it does not look like it.
struct Miss {
  std::string reason;
};

/// weights = post(softmax over `key` of scores), or of their sigmoid.
struct Weights {
  ExprRef scores;
  ExprRef post;              // of argument(0); argument(0) itself where nothing follows
  ExprRef sink = nullptr;    // of softmax: a score that no key has, null without
  ExprRef visible = nullptr; // of sigmoid: where weights were set to 0 behind it, null without
  bool isSigmoid = false;
};
std::optional<Weights> matchWeights(Elements &elements, ExprRef weights, ExprRef key, Miss &miss);

/// softmax over some index, at one element: its scores and that index.
struct SoftmaxElement {
  ExprRef scores, key;
  ExprRef maximum, sum; // what was subtracted, and the denominator; null for linalg.softmax
  ExprRef sink;         // a score more in the denominator, the same for all keys; null without
};
/// `keys`: the indices over which it may be.
std::optional<SoftmaxElement> matchSoftmax(Elements &elements, ExprRef e, llvm::ArrayRef<ExprRef> keys);

/// scores = visible ? rest : -inf, up to constants so low that they are -inf to a softmax.
struct MaskedScores {
  ExprRef visible, rest;
};
MaskedScores splitMask(ExprContext &context, ExprRef scores);

/// A row of scores at or below this has no weight beside a visible one (models use -10000, -1e9, the lowest float).
constexpr double kHidden = -1e4;

} // namespace attnc::raise
