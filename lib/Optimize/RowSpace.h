// The rows of a loop as one dimension, and which values of its body have them. Private to the room.
#pragma once

#include "attnc/Dialect/Attn/Attn.h"
#include "attnc/Dialect/Loop/Loop.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace attnc::compact {

/// Makes the rows of a loop one dimension: what has a row's dimensions is carried collapsed, and expanded where the body
/// reads it. Returns the loop that takes its place (itself, where rows have one dimension), and the sizes of a row's dimensions.
struct RowLoop {
  loop::AdaptiveOp op;
  llvm::SmallVector<mlir::OpFoldResult> sizes;
  unsigned rank() const { return sizes.size(); }
};
RowLoop flattenRows(loop::AdaptiveOp op);

/// Carries what the body computes of frozen rows alone and reads for all rows: as many values as `count` says. Returns the loop that takes
/// its place, or it itself.
RowLoop carryFunctions(const RowLoop &loop, unsigned &count);

/// Products and attention: what is worth a list of rows.
bool isHeavy(mlir::Operation *op);

/// The dimensions of a tensor of which the first `rowDims` become one: [[0 … rowDims - 1], [rowDims], …].
llvm::SmallVector<mlir::ReassociationIndices> mergeRows(int64_t rank, unsigned rowDims);

/// How a tensor has the loop's rows: as its leading dimension, or as its leading dimensions. Row r of such a value depends on
/// row r of other such values, and on values that are not.
enum class Form {
  None,
  Flat,
  Split
};

/// The dimensions of a linalg op's iteration space that are rows, in the rows' order.
using RowLoops = llvm::SmallVector<unsigned, 2>;

/// Which values of a loop's body have rows, and which of them only running rows are needed of.
class RowAnalysis {
public:
  explicit RowAnalysis(const RowLoop &loop);

  Form form(mlir::Value value) const { return forms.lookup(value); }
  /// Of an op with results that have rows.
  RowLoops rowLoops(mlir::linalg::LinalgOp op) const;
  /// All rows of it are read: by another row, or by what is no row op.
  bool isDense(mlir::Value value) const { return dense.contains(value); }
  /// Of what isDense: the op that reads all rows of it, or of what is made of it row by row.
  mlir::Operation *wholeReader(mlir::Value value) const;
  /// Running rows of it are read.
  bool isCompact(mlir::Value value) const { return compacted.contains(value); }
  /// select(running, new, old), row by row: the operands new and old.
  std::optional<std::pair<mlir::Value, mlir::Value>> matchKeep(mlir::Operation *op) const;
  /// Whether a value is such a choice, or a view of it, and `old` what is carried.
  bool isKept(mlir::Value value, mlir::Value carried) const;
  bool areEqual(mlir::OpFoldResult size, mlir::OpFoldResult other) const;
  bool isSizeOf(mlir::OpFoldResult size, mlir::Value tensor, int64_t dim) const;
  /// `value` takes the place of `old`.
  void inherit(mlir::Value value, mlir::Value old) {
    forms[value] = form(old);
    if (isDense(old))
      dense.insert(value);
    if (isCompact(old))
      compacted.insert(value);
  }
  const RowLoop &getLoop() const { return loop; }

private:
  void findForms(mlir::Operation *op);
  Form formOfLinalg(mlir::linalg::LinalgOp op) const;
  Form formOfAttention(attn::AttentionOp op) const;
  Form formOfSlice(mlir::tensor::ExtractSliceOp op) const;
  Form formOfExpand(mlir::tensor::ExpandShapeOp op) const;
  Form formOfCollapse(mlir::tensor::CollapseShapeOp op) const;
  Form formOfRotary(attn::RotaryOp op) const;
  Form formOfElementwise(mlir::Operation *op) const;
  void findDemand(mlir::Operation *op);
  void need(mlir::Value value, bool allRows);
  void needOperandsOf(mlir::Operation *op);
  void needOfLinalg(mlir::linalg::LinalgOp op);
  void needOfAttention(attn::AttentionOp op);

  const RowLoop &loop;
  llvm::DenseMap<mlir::Value, Form> forms;
  llvm::DenseSet<mlir::Value> dense, compacted;
  llvm::DenseMap<mlir::Value, mlir::Operation *> readers; ///< of what is dense, the op by which it first was
  mlir::Operation *reader = nullptr;                      ///< whose demand is being found
};

/// What an operand of a linalg op has of the rows: all of their dimensions in front, none, or one of them in front.
struct OperandRows {
  enum Kind {
    All,
    None,
    One,
    Other
  } kind;
  unsigned dim = 0; ///< One: which
};
OperandRows rowsOfOperand(mlir::AffineMap map, llvm::ArrayRef<unsigned> rowLoops);

/// Whether a destination's old elements are not read, or can be made again for any number of rows.
bool isFreshDestination(mlir::linalg::LinalgOp op, mlir::OpOperand &init, llvm::ArrayRef<unsigned> rowLoops);

} // namespace attnc::compact
