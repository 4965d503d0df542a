// Scalar code on several keys at once: a region of attention cloned with a vector over keys in each of its values. Private to the room.
#pragma once

#include "Emit.h"

#include "mlir/IR/Region.h"

namespace attnc::cpu {

/// A scalar of each lane. Without a vector, lane l has scalar + step · l (step 0: all the same).
struct Lanes {
  mlir::Value scalar, vector;
  int64_t step = 0;

  static Lanes same(mlir::Value value) { return {value, {}, 0}; }
  static Lanes counting(mlir::Value first) { return {first, {}, 1}; }
  static Lanes of(mlir::Value vector) { return {{}, vector, 0}; }
  bool isSame() const { return !vector && step == 0; }
};

/// The lanes as a vector.
mlir::Value toVector(mlir::ImplicitLocOpBuilder &b, const Lanes &x, int64_t lanes);

/// Why a region cannot be cloned, if it cannot. `varies` says which arguments differ from lane to lane.
std::optional<std::string> findUnvectorizable(mlir::Region &region, llvm::ArrayRef<bool> varies);

/// The value that the region yields. Tables among the arguments are buffers. `live` (i1 of each lane, null: all) says which lanes
/// may read; lane 0 always may.
Lanes cloneRegion(mlir::ImplicitLocOpBuilder &b, mlir::Region &region, llvm::ArrayRef<Lanes> arguments, int64_t lanes, mlir::Value live);

/// Elements of a buffer at indices of each lane.
mlir::Value loadLanes(mlir::ImplicitLocOpBuilder &b, mlir::Value buffer, llvm::ArrayRef<Lanes> indices, int64_t lanes, mlir::Value live);

} // namespace attnc::cpu
