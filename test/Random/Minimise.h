#pragma once

#include "Runner.h"

namespace attnc::fuzz {

/// A smaller module that has the same problem: results are dropped, and ops replaced by one of their operands or by zeros,
/// as long as it stays. Its text.
std::string minimise(Runner &runner, const Program &program, mlir::ModuleOp module, const std::string &problem);

} // namespace attnc::fuzz
