// The reference interpreter: the meaning of every op of a model, in double precision, written to be
// read. It shares no code with the pipeline and is the oracle of its tests.
#pragma once

#include "attnc/Support/Expected.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace attnc::reference {

/// One element: `f` where its type is a float, else `i` (sign-extended from the type's width, i1: 0
/// or 1).
union Scalar {
  double f;
  int64_t i;
};

/// Row-major elements.
struct Tensor {
  mlir::Type element;
  llvm::SmallVector<int64_t> shape;
  std::vector<Scalar> elements;
};

int64_t numElements(llvm::ArrayRef<int64_t> shape);

/// A tensor or a scalar. Copies share a tensor's elements.
class Value {
public:
  Value() = default;
  Value(mlir::Type type, Scalar scalar) : type(type), single(scalar) {}
  Value(Tensor tensor)
      : type(tensor.element), shared(std::make_shared<Tensor>(std::move(tensor))) {}
  static Value integer(mlir::Type type, int64_t value) { return {type, Scalar{.i = value}}; }
  static Value number(mlir::Type type, double value) { return {type, Scalar{.f = value}}; }

  bool isTensor() const { return shared != nullptr; }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(type); }
  mlir::Type elementType() const { return type; }

  /// Of a scalar.
  Scalar scalar() const { return single; }
  double number() const { return single.f; }
  int64_t integer() const { return single.i; }

  /// Of a tensor.
  const Tensor &tensor() const { return *shared; }
  llvm::ArrayRef<int64_t> shape() const { return shared->shape; }
  llvm::ArrayRef<Scalar> elements() const { return shared->elements; }

  /// A tensor's elements, or the scalar as one.
  llvm::ArrayRef<Scalar> flat() const { return shared ? elements() : llvm::ArrayRef(single); }

private:
  mlir::Type type;
  Scalar single{.i = 0};
  std::shared_ptr<const Tensor> shared;
};

struct Options {
  /// The value of a weight: an ml_program.global without a value of its own.
  std::function<Expected<Value>(llvm::StringRef name, mlir::RankedTensorType type)> weights;
  /// Loop iterations a run may take, of all loops together; 0: any number.
  uint64_t stepLimit = 0;
  /// Non-zero: the evaluation stops at the next op. May be null.
  const volatile int32_t *cancel = nullptr;
  /// Told how close each decision of a run was: |score - threshold| where a row halts or goes on, the gap between
  /// neighbours in the order of top_k and sort. An engine that rounds may decide differently within rounding.
  std::function<void(mlir::Operation *op, double distance)> onDecision;
};

/// Calls the function `entry` of the module. Arithmetic on floats is in double whatever their type;
/// only halting decisions compare in f32. Integers wrap at their width. An error names the op and
/// its location.
Expected<std::vector<Value>> evaluate(mlir::ModuleOp module, llvm::StringRef entry,
                                      llvm::ArrayRef<Value> inputs, const Options &options = {});

} // namespace attnc::reference
