// The ops of a loop's body for its running rows alone. Private to the room.
#pragma once

#include "RowSpace.h"

#include "mlir/IR/Builders.h"

namespace attnc::compact {

/// Writes a body's ops again for rows that are listed: n of them, in ascending order.
class RowRewriter {
public:
  /// Inserts the list at the start of the body.
  explicit RowRewriter(const RowAnalysis &rows);

  /// The listed rows of a value that has rows, in one leading dimension.
  mlir::Value compact(mlir::Value value);
  /// An op for the listed rows.
  void rewrite(mlir::Operation *op);
  /// The value with its listed rows replaced: for all rows.
  mlir::Value putBack(mlir::OpBuilder &b, mlir::Value rows, mlir::Value into);
  /// Gathers what is asked for in front of an op.
  void moveTo(mlir::Operation *op) { b.setInsertionPoint(op); }
  /// `value` is the listed rows of what `of` is for all.
  void setCompact(mlir::Value of, mlir::Value value) { known[of] = value; }

private:
  unsigned rowDims(mlir::Value value) const { return rows.form(value) == Form::Split ? rows.getLoop().rank() : 1; }
  mlir::Value gather(mlir::Value value, unsigned rowDims);
  mlir::Value coordinate(unsigned rowDims, unsigned dim);
  mlir::Value add(mlir::Value numbers, mlir::Value offset);
  mlir::Value operandRows(mlir::Value value, OperandRows has, unsigned rowDims);
  mlir::Value freshDestination(mlir::Value init, unsigned rowDims);
  mlir::Value sequenceOffsets();
  void rewriteLinalg(mlir::linalg::LinalgOp op);
  mlir::Operation *cloneGeneric(mlir::linalg::LinalgOp op, llvm::ArrayRef<unsigned> rowLoops, mlir::ValueRange inputs, mlir::ValueRange inits,
                                llvm::SmallVector<mlir::AffineMap> maps);
  void rewriteAttention(attn::AttentionOp op);
  void rewriteRotary(attn::RotaryOp op);
  void rewriteSlice(mlir::tensor::ExtractSliceOp op);
  void rewriteExpand(mlir::tensor::ExpandShapeOp op);
  void rewriteCollapse(mlir::tensor::CollapseShapeOp op);
  void rewriteRowByRow(mlir::Operation *op);
  void setResults(mlir::Operation *op, mlir::Operation *compacted);
  mlir::Type compactType(mlir::Type type, unsigned rowDims) const;

  const RowAnalysis &rows;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::Value indices, count; ///< the listed rows and how many there are
  mlir::Value allRows;        ///< how many rows there are
  mlir::Value offsets;        ///< of each sequence's first listed row
  llvm::DenseMap<mlir::Value, mlir::Value> known;
  llvm::SmallDenseMap<unsigned, mlir::Value> coordinates;
};

} // namespace attnc::compact
