// Runs a program through the reference interpreter and through the pipeline, on the same random inputs.
#pragma once

#include "Plants.h"
#include "Program.h"

#include "attnc/Package/Manifest.h"
#include "attnc/Reference/Interpreter.h"
#include "attnc/Runtime/LoadedCode.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>

namespace attnc::fuzz {

/// One call: sizes, arguments in the order of the function, weights by name.
struct Case {
  std::map<std::string, int64_t> sizes;
  std::vector<reference::Value> arguments;
  std::map<std::string, reference::Value> weights;
};

Case drawCase(const Program &program, mlir::ModuleOp module, Random &random);
/// Moves each float by a few units in the last place of f32, but those whose ties count.
Case perturbed(const Case &from, const Program &program, Random &random);

/// The results of @main, and how close its closest decision was.
struct ReferenceRun {
  Expected<std::vector<reference::Value>> results;
  double closest;
};
ReferenceRun runReference(mlir::ModuleOp module, const Case &inputs);

class Compiled {
public:
  /// Consumes the module. The code is for this machine. With a planted fault, if one is given.
  static Expected<std::unique_ptr<Compiled>> make(mlir::ModuleOp module, const Plant *plant = nullptr);
  /// Results in the order of the function in the text. Also fails where a byte outside of a buffer was written.
  Expected<std::vector<reference::Value>> run(mlir::ModuleOp original, const Case &inputs) const;

private:
  const Function &entry() const { return *manifest.findFunction("main"); }

  Manifest manifest;
  std::unique_ptr<LoadedCode> code;
};

/// What differs, or "": integers exactly, floats by `tolerance` times the largest of the tensor (at least 0.1).
std::string difference(llvm::ArrayRef<reference::Value> found, llvm::ArrayRef<reference::Value> expected, double tolerance);

} // namespace attnc::fuzz
