// What the ops on tensors compute, element by element: from a tensor and index expressions to the expression of that
// element. Elementwise ops, views, broadcasts and slices are looked through; reductions stay loads, which `open` opens.
// Private to the room.
#pragma once

#include "Expr.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"

namespace attnc::raise {

/// element = init ∘ body(v₀) ∘ body(v₁) … over the values of the variables.
struct Reduction {
  mlir::linalg::LinalgOp op;
  llvm::StringRef combiner; // "arith.addf"
  llvm::SmallVector<ExprRef> variables;
  llvm::SmallVector<Extent> extents;
  ExprRef body; // of loads of the op's operands, not expanded
  ExprRef init;
};

class Elements {
public:
  ExprContext &context;

  explicit Elements(ExprContext &context) : context(context) {}

  /// The element, as far as it can be looked into.
  ExprRef element(mlir::Value tensor, llvm::ArrayRef<ExprRef> indices) { return expand(context.load(tensor, indices)); }
  /// The expression with its loads expanded.
  ExprRef expand(ExprRef expr);
  /// One step: the element in terms of loads of the producer's operands; the load itself where that is not known.
  ExprRef step(ExprRef load);
  /// Of a load of a reduction's result; with the values of the reduced indices, or new variables.
  std::optional<Reduction> open(ExprRef load, llvm::ArrayRef<ExprRef> reduced = {});
  /// The same with the body expanded.
  std::optional<Reduction> openExpanded(ExprRef load, llvm::ArrayRef<ExprRef> reduced = {});

  /// Tensors that have been seen to have this element, at plain indices; the first has the fewest of them.
  llvm::ArrayRef<ExprRef> getOrigins(ExprRef expr) const {
    auto found = origins.find(expr);
    return found == origins.end() ? llvm::ArrayRef<ExprRef>() : found->second;
  }
  ExprRef getOrigin(ExprRef expr) const { return getOrigins(expr).empty() ? nullptr : getOrigins(expr).front(); }
  /// This tensor is not looked into.
  void keep(mlir::Value tensor) { kept.insert(tensor); }
  Extent getExtent(mlir::Value tensor, int64_t dim);
  llvm::SmallVector<Extent> getExtents(mlir::Value tensor);
  /// The indices of any element: a new variable for each dimension.
  llvm::SmallVector<ExprRef> anyIndices(llvm::ArrayRef<Extent> extents) {
    return llvm::map_to_vector(extents, [&](Extent extent) { return context.variable(context.addVariable(extent)); });
  }
  /// The op's loops as variables, or nothing where an operand does not say how long one is.
  Extent getLoopExtent(mlir::linalg::LinalgOp op, unsigned loop);
  ExprRef scalar(mlir::Value value);
  /// A scalar, or the element of a tensor of rank 0, through the ops on scalars that compute it.
  ExprRef scalarElement(mlir::Value value);
  /// Values yielded by a block of scalar code; empty where an op is not known. `known` has the arguments.
  llvm::SmallVector<ExprRef> evaluate(mlir::Block &block, llvm::DenseMap<mlir::Value, ExprRef> known,
                                      llvm::ArrayRef<ExprRef> loops);

private:
  ExprRef stepLinalg(mlir::linalg::LinalgOp op, ExprRef load);
  ExprRef stepUnitSum(ExprRef load);
  ExprRef stepElementwise(mlir::Operation *op, ExprRef load);
  ExprRef stepView(mlir::Operation *op, ExprRef load);
  ExprRef stepConcat(mlir::tensor::ConcatOp op, ExprRef load);
  ExprRef stepColumn(mlir::tensor::ConcatOp op, ExprRef load);
  ExprRef indexOf(mlir::AffineExpr expr, llvm::ArrayRef<ExprRef> loops);
  llvm::SmallVector<ExprRef> indicesOf(mlir::AffineMap map, llvm::ArrayRef<ExprRef> loops);
  llvm::SmallVector<ExprRef> bindLoops(mlir::linalg::LinalgOp op, unsigned result, ExprRef load);
  Extent getSymbol(const void *key, int64_t number);
  Extent getExtent(mlir::OpFoldResult size);
  Extent getDynamicExtent(mlir::Value tensor, int64_t dim);

  llvm::DenseMap<ExprRef, ExprRef> expanded;
  llvm::DenseMap<ExprRef, llvm::SmallVector<ExprRef, 1>> origins;
  llvm::DenseSet<mlir::Value> kept;
  llvm::DenseMap<std::pair<const void *, int64_t>, Extent> symbols;
};

} // namespace attnc::raise
