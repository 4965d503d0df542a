// The phases of `attnc compile`, as data.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <functional>
#include <string>

namespace attnc {

/// One phase: the table of phases feeds --help, --stop-after, --start-from, --dump-phases, --insert,
/// --timing and the pipelines `attnc-NAME-phase` of attnc-opt.
struct Phase {
  llvm::StringLiteral name;
  llvm::StringLiteral holdsAfter;                 ///< what holds behind it, in one line
  void (*build)(mlir::OpPassManager &passes);     ///< null: not a list of passes (codegen, package)
};

/// All phases in order.
llvm::ArrayRef<Phase> phases();
/// The phase of that name, or null.
const Phase *findPhase(llvm::StringRef name);

struct PhaseOptions {
  const Phase *startFrom = nullptr; ///< the first phase to run (null: all)
  const Phase *stopAfter = nullptr; ///< the last phase to run (null: all)
  std::string dumpFolder;           ///< where the module goes behind each phase, as NN-NAME.mlir ("": nowhere)
  std::string reproducer;           ///< where a failing pipeline leaves its reproducer ("": nowhere)
  bool timing = false;
  bool compact = true;              ///< false: halting loops compute all rows at every step
  /// Pipelines to run behind a phase: {phase, text of the pipeline}.
  llvm::SmallVector<std::pair<const Phase *, std::string>> inserted;
  /// Told before each phase, for progress.
  std::function<void(const Phase &)> onPhase;
};

/// Runs the phases that are lists of passes on a module. Diagnostics go to the context's handler.
mlir::LogicalResult runPhases(mlir::ModuleOp module, const PhaseOptions &options);

/// Registers every phase as a pipeline of attnc-opt.
void registerPhasePipelines();

} // namespace attnc
