// Building blocks of loops over rows: elementwise ops and reductions in which an operand of lower rank stands for its
// value in every element behind (a row's weight, a row's score).
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace attnc::rows {

/// Computes the results of one element from its inputs, then its destinations.
using Element = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

/// An uninitialised tensor of the shape of `like`.
mlir::Value empty(mlir::OpBuilder &b, mlir::Location loc, mlir::Value like, mlir::Type element);

/// A tensor of the shape of `like` that holds one number (converted to the element type).
mlir::Value fill(mlir::OpBuilder &b, mlir::Location loc, mlir::Value like, mlir::Type element, double number);

/// Over the elements of the destinations, which have one shape. Inputs have its leading dimensions.
llvm::SmallVector<mlir::Value> map(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange inputs,
                                   mlir::ValueRange destinations, Element element);

/// Over the elements of the first input; destinations have its leading dimensions and are reduced into.
llvm::SmallVector<mlir::Value> reduce(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange inputs,
                                      mlir::ValueRange destinations, Element element);

/// ‖after - before‖ / (‖after‖ + delta) of each row, f32, in the shape of `rows`.
mlir::Value relativeChange(mlir::OpBuilder &b, mlir::Location loc, mlir::Value rows, mlir::Value before, mlir::Value after,
                           double delta);

/// f64 for f64, f32 otherwise: what sums are accumulated in.
mlir::FloatType computeType(mlir::Type element);

/// A float in another float type.
mlir::Value convert(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::Type type);

/// A float constant.
mlir::Value number(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, double value);

} // namespace attnc::rows
