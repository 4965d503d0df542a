// Private to the room.
#pragma once

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace attnc {

/// Sizes of an entry on buffers, computed at its start from its named sizes.
class EntrySizes {
public:
  /// `top` inserts at the start of the entry.
  EntrySizes(mlir::func::FuncOp function, mlir::OpBuilder &top) : function(function), top(top) {}

  /// Is it one of the entry's named sizes?
  bool isSize(mlir::Value value);
  /// Is it a size, the counter of a loop that starts at one, or what is made of such?
  bool isNotNegative(mlir::Value value);
  /// The value at the start of the entry; failure if it depends on more than sizes.
  mlir::FailureOr<mlir::Value> atEntry(mlir::Value value);
  /// The largest that a size can be, which may differ between iterations of a loop.
  mlir::FailureOr<mlir::Value> boundAtEntry(mlir::Value value);

private:
  using Move = mlir::function_ref<mlir::FailureOr<mlir::Value>(mlir::Value)>;
  mlir::Value sizeOf(mlir::Value memref, int64_t dim);
  mlir::FailureOr<mlir::Value> dimAtEntry(mlir::Value memref, int64_t dim, Move move);
  mlir::FailureOr<mlir::Value> cloneAtEntry(mlir::Value value, Move move);
  mlir::FailureOr<mlir::Value> solveBound(mlir::Value value);

  mlir::func::FuncOp function;
  mlir::OpBuilder &top;
  llvm::DenseMap<mlir::Value, mlir::Value> hoisted, bounds;
};

} // namespace attnc
