// `attnc run MODEL.mlir --reference`: the run command over the interpreter.
#pragma once

#include "attnc/Runtime/RunOptions.h"

namespace mlir {
class MLIRContext;
}

namespace attnc::reference {

/// Reads the model and runs an entry with states, inputs and outputs as runPackage does; floats are
/// read, computed and written in double.
Status runModel(mlir::MLIRContext &context, const RunOptions &options, const volatile int32_t &cancel);

} // namespace attnc::reference
