// What a mask region of attention says about a block of queries and keys: a few scalar ops, made from the region.
#pragma once

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/Pass.h"

namespace attnc {

#define GEN_PASS_DECL
#include "attnc/Masks/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "attnc/Masks/Passes.h.inc"

/// The least and the greatest value of an integer over a block, as index; nothing is known where they are null.
/// Twice the same value (of any type, also a table): it does not vary over the block.
struct Interval {
  mlir::Value low, high;

  static Interval of(mlir::Value value) { return {value, value}; }
  bool isKnown() const { return low && high; }
};

/// What the arguments of a mask region are over a block.
struct MaskArguments {
  mlir::Value batch;
  Interval head, queries, keys; ///< of the last two the positions
  mlir::Value source;
  llvm::SmallVector<Interval> captures;
};

/// What the region is over the block.
struct MaskClass {
  mlir::Value all, any;  ///< i1: true for every pair (sufficient), for some pair (necessary)
  mlir::Value low, high; ///< keys in front of low and behind high are seen by no query of the block; null: no such bound
};

/// Evaluates the region on intervals where the builder stands.
MaskClass analyseMask(mlir::ImplicitLocOpBuilder &b, mlir::Region &mask, const MaskArguments &arguments);

/// The least and the greatest element first … last of dimension `dim` of a table (a tensor or buffer of integers), the other
/// dimensions at `indices`; of i1, whether all and any hold.
Interval getTableInterval(mlir::ImplicitLocOpBuilder &b, mlir::Value table, llvm::ArrayRef<mlir::Value> indices,
                          int64_t dim, mlir::Value first, mlir::Value last);

} // namespace attnc
