// What the entries of a model promise, read off their attributes.
#pragma once

#include "attnc/Package/Manifest.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace attnc::reference {

/// Functions and states of a manifest without code, weights and plans. Floats are f64 whatever the
/// model declares: the interpreter computes in double, takes inputs as they are and shows all digits.
Expected<Manifest> readSignature(mlir::ModuleOp module);

/// The index of the state that an argument or result is; nothing for an input or output.
std::optional<int> stateOf(const Manifest &signature, mlir::DictionaryAttr attributes);

} // namespace attnc::reference
