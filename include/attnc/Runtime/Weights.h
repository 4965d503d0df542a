// The weights of a model: read from the user's file, prepared by the package's own code. `attnc compile` writes
// them into packages, and the runtime makes them when a package with external weights is loaded.
#pragma once

#include "attnc/Package/Manifest.h"
#include "attnc/Runtime/LoadedCode.h"
#include "attnc/Support/WeightFiles.h"

namespace attnc {

class ModelWeights {
public:
  /// The user's file, or the index of several. What the manifest reads of it is there and has its shape; floats and integers may have another width.
  static Expected<ModelWeights> open(const std::string &path, const Manifest &manifest);

  /// As it lies in its file.
  Tensor raw(const SourceDecl &decl) const { return *files.find(decl.name); }
  /// In the declared dtype, 64-byte aligned: a copy unless the file's bytes are that.
  Expected<Tensor> read(const SourceDecl &decl) const;
  /// A prepared weight: what its function makes of its sources.
  Expected<Tensor> prepare(const Manifest &manifest, const WeightDecl &weight, const LoadedCode &code) const;

private:
  explicit ModelWeights(WeightFiles files) : files(std::move(files)) {}
  Status check(const SourceDecl &decl) const;

  WeightFiles files;
};

} // namespace attnc
