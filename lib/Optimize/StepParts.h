// Values of a loop's body as "row value + step vector". Private to the room.
#pragma once

#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SmallBitVector.h"

namespace attnc::steps {

/// v = base + step: base is made of what is frozen or the same at every step; step of anything, and is the same for all rows.
/// Either may be null: nothing. A step part has the value's dimensions without those of rows.
struct Parts {
  mlir::Value base, step;
};

/// Which results of a map are of those loops.
llvm::SmallBitVector dimsOf(mlir::AffineMap map, llvm::ArrayRef<unsigned> loops);

/// How a number within a linalg op's body is made.
enum class Kind {
  Shared, ///< neither of rows nor of the step
  Row,    ///< of rows
  Step,   ///< of the step
  Both,   ///< the sum of one of rows and one of the step
  Mixed   ///< of both in another way
};

/// Splits the number that an elementwise op's body yields. `operands` says what the op reads.
class ScalarParts {
public:
  ScalarParts(mlir::linalg::LinalgOp op, llvm::ArrayRef<unsigned> rowLoops, llvm::ArrayRef<Kind> operands, loop::AdaptiveOp loop)
      : op(op), rowLoops(rowLoops), operands(operands), loop(loop) {}

  Kind kind() { return kindOf(yielded()); }
  /// The sum's part of rows, or of the step: computed from `arguments`, one an operand, with `place` the new number of each of the op's loops.
  mlir::Value emit(mlir::OpBuilder &b, bool stepPart, mlir::ValueRange arguments, llvm::ArrayRef<unsigned> place);

private:
  mlir::Value yielded() { return op.getBlock()->getTerminator()->getOperand(0); }
  Kind kindOf(mlir::Value number);
  Kind kindOfOp(mlir::Operation *inner);
  mlir::Value part(mlir::OpBuilder &b, mlir::Value number, bool stepPart);
  mlir::Value partOfOp(mlir::OpBuilder &b, mlir::Operation *inner, bool stepPart);
  mlir::Value whole(mlir::OpBuilder &b, mlir::Value number);

  mlir::linalg::LinalgOp op;
  llvm::ArrayRef<unsigned> rowLoops;
  llvm::ArrayRef<Kind> operands;
  loop::AdaptiveOp loop;
  llvm::DenseMap<mlir::Value, Kind> kinds;
  llvm::SmallVector<mlir::Value> arguments;
  llvm::SmallVector<unsigned> place;
  llvm::DenseMap<mlir::Value, mlir::Value> made;
};

/// Splits tensors of a loop's body.
class TensorParts {
public:
  explicit TensorParts(loop::AdaptiveOp loop) : loop(loop) {}

  /// `rowDims`: which of the value's dimensions are rows. None where the value is no such sum; `blocker` says why.
  std::optional<Parts> split(mlir::Value value, const llvm::SmallBitVector &rowDims);
  /// Whether a value does not change from step to step.
  bool isInvariant(mlir::Value value);

  mlir::Operation *blocker = nullptr;

private:
  std::optional<Parts> splitOp(mlir::Operation *op, const llvm::SmallBitVector &rowDims);
  std::optional<Parts> splitElementwise(mlir::linalg::LinalgOp op, const llvm::SmallBitVector &rowDims);
  std::optional<Parts> splitContraction(mlir::linalg::LinalgOp op, const llvm::SmallBitVector &rowDims);
  std::optional<Parts> splitReshape(mlir::Operation *op, const llvm::SmallBitVector &rowDims);
  mlir::Value makeElementwise(mlir::linalg::LinalgOp op, ScalarParts &scalars, llvm::ArrayRef<unsigned> rowLoops, llvm::ArrayRef<mlir::Value> inputs, bool stepPart);
  void replaceBySum(mlir::linalg::LinalgOp op, Parts parts, llvm::ArrayRef<unsigned> rowLoops);
  mlir::Value makeStepProduct(mlir::linalg::LinalgOp op, unsigned left, mlir::Value step, llvm::ArrayRef<unsigned> rowLoops);

  loop::AdaptiveOp loop;
  llvm::DenseMap<mlir::Value, std::optional<Parts>> known;
  llvm::DenseMap<mlir::Value, bool> invariant;
};

} // namespace attnc::steps
