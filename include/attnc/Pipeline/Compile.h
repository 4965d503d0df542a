// A model file to a package.
#pragma once

#include "attnc/Pipeline/Pipeline.h"
#include "attnc/Target/Cpu.h"

namespace attnc {

struct CompileOptions {
  std::string model;                      ///< the .mlir file (text or bytecode), "-" for standard input
  std::string output;                     ///< the package, or the module where a phase in front of codegen is the last
  std::string weights;                    ///< a .safetensors file; "external": none are packed
  llvm::SmallVector<const CpuLevel *> levels; ///< at least one; code is made for each
  PhaseOptions phases;
  std::function<void()> onDiagnostic; ///< told before a diagnostic is printed, so that a line of progress can go
};

/// Compiles; diagnostics are printed on standard error: with the model's line, or as "attnc: sentence" where no
/// line is to blame. Nothing is left at `output` on failure.
mlir::LogicalResult compileModel(mlir::MLIRContext &context, const CompileOptions &options);

} // namespace attnc
