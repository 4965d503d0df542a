// The inner product block in registers, from which matrix products of every kind are made. Private to the room.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attnc::cpu {

/// A block of `rows` × `vectors` sums; each vector holds neighbouring columns, and so many lanes.
struct BlockShape {
  int64_t rows, vectors;
  mlir::VectorType vector;

  int64_t count() const { return rows * vectors; }
  int64_t columns() const { return vectors * vector.getNumElements(); }
};

/// The block's sums, row by row: sums[row * vectors + v].
using Sums = llvm::SmallVector<mlir::Value>;

Sums zeroSums(mlir::ImplicitLocOpBuilder &b, const BlockShape &shape);

/// A[row, k] as a scalar of the vector's element type.
using ReadLeft = llvm::function_ref<mlir::Value(int64_t row, mlir::Value k)>;
/// B[k, columns of vector v].
using ReadRight = llvm::function_ref<mlir::Value(int64_t v, mlir::Value k)>;

/// What an iteration at k begins with.
using BeginSteps = llvm::function_ref<void(mlir::Value k)>;

/// sums[row][v] += Σ A[row, k] · B[k, v] for k in low .. high. The loop carries the sums, so that they stay in registers: the
/// block, a row of B and an element of A have to fit. An iteration takes `steps` of k, those at the end one.
Sums addProducts(mlir::ImplicitLocOpBuilder &b, const BlockShape &shape, mlir::Value low, mlir::Value high, Sums sums, ReadLeft left,
                 ReadRight right, int64_t steps = 1, BeginSteps begin = nullptr);

/// from + by.
mlir::Value addOffset(mlir::ImplicitLocOpBuilder &b, mlir::Value from, int64_t by);

/// Consecutive elements in the last dimension of a tensor or buffer, from `indices` on; under a mask the others read as 0. What the
/// mask does not exclude must be inside.
mlir::Value loadVector(mlir::ImplicitLocOpBuilder &b, int64_t lanes, mlir::Value source, mlir::ValueRange indices, mlir::Value mask = {});
/// The same for writing; returns the tensor with the elements written (null for a buffer).
mlir::Value storeVector(mlir::ImplicitLocOpBuilder &b, mlir::Value vector, mlir::Value target, mlir::ValueRange indices, mlir::Value mask = {});
/// One element of a tensor or buffer.
mlir::Value loadScalar(mlir::ImplicitLocOpBuilder &b, mlir::Value source, mlir::ValueRange indices);
/// A float, or a vector of floats, with other elements.
mlir::Value toElements(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type element);

} // namespace attnc::cpu
