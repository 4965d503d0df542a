// Tensors of files to values of the interpreter and back.
#pragma once

#include "attnc/Reference/Interpreter.h"
#include "attnc/Support/Tensor.h"

namespace attnc::reference {

/// A value of that type (a ranked tensor or a number), from a tensor whose shape fits.
Expected<Value> toValue(const attnc::Tensor &tensor, mlir::Type type);
/// f64 from floats, else integers as they are.
Expected<attnc::Tensor> toTensor(const Value &value, DType dtype);

} // namespace attnc::reference
