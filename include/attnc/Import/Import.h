// Models that the Python package reads: torch.export programs, ONNX files, modules in Python files.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace attnc {

/// A model as MLIR and weights, in a temporary folder that goes with this object.
class ImportedModel {
public:
  /// Whether a model is one for the front ends: .pt2, .onnx, or file.py:function.
  static bool isForeign(llvm::StringRef model);
  /// Runs the front end in a child process, which prints its own errors. The interpreter is $ATTNC_PYTHON, or python3.
  static llvm::Expected<ImportedModel> create(llvm::StringRef model);

  ImportedModel(ImportedModel &&other) : folder(std::move(other.folder)), name(std::move(other.name)) { other.folder.clear(); }
  ~ImportedModel();
  std::string module() const { return folder + "/" + name + ".mlir"; }
  std::string weights() const { return folder + "/" + name + ".json"; }

private:
  ImportedModel(std::string folder, std::string name) : folder(std::move(folder)), name(std::move(name)) {}
  std::string folder, name; ///< name: the model's file, or function, without its ending; packages are named after it
};

} // namespace attnc
