// One program through both engines.
#pragma once

#include "Engines.h"
#include "Session.h"

#include "mlir/IR/OwningOpRef.h"

namespace attnc::fuzz {

/// Ends this process, as one whose program hangs, when it has worked for another minute.
void limitTime();

/// What became of one program.
struct Outcome {
  std::string problem; ///< "": both engines agree
  unsigned cases = 0, redrawn = 0, skipped = 0, unstable = 0;
  std::set<std::string> features;
};

class Runner {
public:
  explicit Runner(const RunSettings &settings);
  Outcome run(const Program &program);
  Outcome run(const Program &program, mlir::ModuleOp module, const Plant *plant = nullptr);
  mlir::OwningOpRef<mlir::ModuleOp> parse(const Program &program, Outcome &outcome);
  /// In a process of its own: a program that crashes has a problem.
  std::string problemOf(const Program &program, mlir::ModuleOp module, const Plant *plant = nullptr);

private:
  bool runCase(mlir::ModuleOp module, const Compiled &compiled, const Program &program, unsigned number, Outcome &outcome);
  bool isUnstable(mlir::ModuleOp module, const Case &inputs, llvm::ArrayRef<reference::Value> expected, const Program &program, double tolerance, Random &random);
  void recordSizes(const Case &inputs, Outcome &outcome);

  RunSettings settings;
  mlir::MLIRContext context;
};

} // namespace attnc::fuzz
