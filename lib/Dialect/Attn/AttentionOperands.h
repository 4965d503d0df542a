// What each operand of attn.attention is, and what it says about the iteration space. Private to
// this folder.
#pragma once

#include "attnc/Dialect/Attn/Attn.h"

namespace attnc::attn {

enum class Role {
  Query,
  QueryOffset,
  QueryPositions,
  QueryRows,
  Key,
  Value,
  Offset,
  Positions,
  Valid,
  Pages,
  Rows,
  Capture,
  Sink,
  Output,
  Lse,
  Entropy
};

/// An operand with its part in the op. `number` counts sources or captures.
struct AttentionOperand {
  mlir::OpOperand *operand;
  Role role;
  unsigned number;
  mlir::AffineMap map;

  mlir::Type getType() const { return operand->get().getType(); }
  mlir::RankedTensorType getTensor() const {
    return llvm::dyn_cast<mlir::RankedTensorType>(getType());
  }
  /// The name used in messages: "query", "key of source 1", "capture 0".
  std::string getName() const;
  /// Where the operand is indexed by `dim`.
  std::optional<unsigned> find(AttentionOp::Dim dim) const;
};

/// All operands, in operand order.
llvm::SmallVector<AttentionOperand> getAttentionOperands(AttentionOp op);

/// "`operand` says that the extent of `dim` (J: in `source`) is `size`."
struct ExtentFact {
  AttentionOperand operand;
  AttentionOp::Dim dim;
  unsigned source;
  unsigned position;
  int64_t size;
};
llvm::SmallVector<ExtentFact> getExtentFacts(AttentionOp op);

/// attention_c7 … c12: the operands fit together.
llvm::LogicalResult verifyAttentionShapes(AttentionOp op,
                                          llvm::ArrayRef<AttentionOperand> operands);

/// The letter of a dimension in the syntax.
char getDimName(unsigned dim);
/// "g, r, 0": the indices of a map as they are written.
std::string getIndicesText(mlir::AffineMap map);

/// The argument that the regions have for a capture of this type and map.
mlir::Type getCaptureArgumentType(mlir::Type type, mlir::AffineMap map);
/// f64 when all are tensors of f64, f32 otherwise.
mlir::FloatType getComputeTypeOf(mlir::MLIRContext *context, mlir::TypeRange queryKeysAndValues);

/// The arguments in front of the captures: (score or p of the compute type,) b, h, i, j, n.
llvm::SmallVector<mlir::Type> getLeadingArgumentTypes(mlir::FloatType compute, bool withScore);

} // namespace attnc::attn
