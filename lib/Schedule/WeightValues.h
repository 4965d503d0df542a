// Which values of an entry are the same in every call, since they depend on weights and constants alone, and which of
// them are worth keeping as weights.
#pragma once

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace attnc {

class WeightValues {
public:
  /// Computed by ops without effects, of static shapes, from weights and constants alone, from at least one weight. An op that may
  /// not be run at will (it reads at an index that is data) counts where the entry runs it in any case.
  bool isWeight(mlir::Value value) { return dependence(value) == Dependence::Weights; }
  /// Worth a weight of its own: more work than a view, a slice or a broadcast, and at most twice as large as the weights it is made
  /// from, or 1 MiB.
  bool isWorthKeeping(mlir::Value value);
  /// What an op and its regions read from outside.
  static llvm::SetVector<mlir::Value> reads(mlir::Operation *op);
  /// The ml_program.global_load_const ops that a value depends on.
  llvm::SetVector<mlir::Operation *> weightsOf(mlir::Value value);

private:
  enum class Dependence {
    Constants,
    Weights,
    Call
  };
  Dependence dependence(mlir::Value value);
  Dependence computeDependence(mlir::Operation *op);

  llvm::DenseMap<mlir::Operation *, Dependence> known;
};

} // namespace attnc
