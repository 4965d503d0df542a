// From a planned module to the manifest of its package.
#pragma once

#include "attnc/Package/Manifest.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace attnc {

/// What a module behind the plan phase says of itself: functions, states and, in their order, the weights it reads.
/// Fails with a diagnostic where a type has no place in a package.
mlir::FailureOr<Manifest> buildManifest(mlir::ModuleOp module, llvm::StringRef name);

} // namespace attnc
