// Attention as it is found in a graph: operands with the indices they are read at, over the index variables of the
// product of weights and values. Private to the room.
#pragma once

#include "Scores.h"

namespace attnc::raise {

/// An operand and its indices (plain), behind the views that could be looked through.
struct IndexedTensor {
  mlir::Value tensor;
  llvm::SmallVector<ExprRef> indices;
};

struct AttentionMatch {
  mlir::linalg::LinalgOp root;            // the product of weights and values
  llvm::SmallVector<ExprRef> outputs;     // indices of its result
  IndexedTensor query, key, value;
  llvm::SmallVector<std::pair<IndexedTensor, IndexedTensor>> sources; // {key, value}, several where they were joined for it
  double scale = 1;
  bool isSigmoid = false;                 // and not softmax
  ExprRef score, visible, post;           // of argument(0)
  ExprRef sink = nullptr;                 // of softmax
  unsigned keyVariable, innerVariable;    // j and d
};

/// Matches the op as the last product of an attention. Null with an empty reason: it does not look like one.
std::optional<AttentionMatch> matchAttention(Elements &elements, mlir::linalg::LinalgOp root, bool splitting, Miss &miss);

} // namespace attnc::raise
