// Loops whose rows stop one by one, in scf.while. Private to the room.
#pragma once

#include "Scores.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

namespace attnc::raise {

/// while (any(running) && step < cap), where rows that do not run keep some of what is carried.
struct LoopMatch {
  mlir::Value rows;                // of the condition's region: which rows run; or, if `inverted`, which have stopped
  bool inverted = false;
  ExprRef cap = nullptr;           // steps at most
  ExprRef running = nullptr;       // an element of `rows`, in terms of what the body gets
  llvm::SmallVector<ExprRef> indices;
  llvm::SmallVector<bool> frozen;  // one a carried value
};

/// Null with an empty reason: nothing in it asks whether any row runs.
std::optional<LoopMatch> matchLoop(Elements &elements, mlir::scf::WhileOp loop, Miss &miss);

} // namespace attnc::raise
