// Sums of products as the CPU computes them, with what follows element by element: read from indexing maps, never from names. The
// schedule phase asks which ops one kernel can hold, the lower phase makes the loops of that kernel.
#pragma once

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace attnc {

/// Columns of a panel of a packed right operand, [columns / 16][k][16], whatever the level: a register of f32 at the widest, and no
/// register holds more.
inline constexpr int64_t kPanelColumns = 16;

/// For each dimension of a tensor the loop that indexes it.
using LoopDims = llvm::SmallVector<unsigned>;

/// out[batch, m, n] += Σ_k left[batch, m, k] · right[batch, k, n], each class any number of loops, in any order in each tensor.
/// The last dimension of `out` is one of n: where it belongs to the op's first operand, the two change places.
struct Contraction {
  mutable mlir::linalg::LinalgOp op;
  mlir::Value left, right, start; ///< start: what the sum begins with
  LoopDims leftDims, rightDims, outDims;
  mutable mlir::linalg::UnPackOp panels; ///< what makes `right` of panels of neighbouring columns, or null

  bool isBatch(unsigned loop) const { return inLeft(loop) && inRight(loop) && inOut(loop); }
  bool isRow(unsigned loop) const { return inLeft(loop) && !inRight(loop); }
  bool isColumn(unsigned loop) const { return inRight(loop) && !inLeft(loop); }
  bool isSummed(unsigned loop) const { return !inOut(loop); }
  bool inLeft(unsigned loop) const { return llvm::is_contained(leftDims, loop); }
  bool inRight(unsigned loop) const { return llvm::is_contained(rightDims, loop); }
  bool inOut(unsigned loop) const { return llvm::is_contained(outDims, loop); }
};

/// Why an op, or a pair of ops, is not what one kernel of a contraction can hold: words for a remark.
using WhyNot = llvm::StringRef;

/// The op as a contraction of floats that runs on vectors; `whyNot` says what stands against it.
std::optional<Contraction> matchContraction(mlir::Operation *op, WhyNot &whyNot);

/// Products that share their left operand, and an elementwise op that reads their results (or none).
struct ContractionKernel {
  llvm::SmallVector<Contraction, 2> products; ///< with the loops of the first
  mutable mlir::linalg::GenericOp epilogue;           ///< null: the product's sums are the result
  llvm::SmallVector<LoopDims> epilogueDims;   ///< for each operand of the epilogue

  /// The last op of the kernel.
  mlir::linalg::LinalgOp root() const { return epilogue ? mlir::cast<mlir::linalg::LinalgOp>(epilogue.getOperation()) : products[0].op; }
  unsigned column() const { return products[0].outDims.back(); }
  /// Where the results go.
  llvm::SmallVector<mlir::Value> getOutputs() const;
};

/// The kernel that `root` ends: a contraction, or an elementwise op that reads one or several whose only reader it is.
std::optional<ContractionKernel> matchContractionKernel(mlir::Operation *root, WhyNot &whyNot);

} // namespace attnc
