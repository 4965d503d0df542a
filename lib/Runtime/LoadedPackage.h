// A package that is ready to run: code loaded from memory, weights at their addresses.
#pragma once

#include "attnc-c/KernelAbi.h"
#include "attnc/Package/PackageFile.h"
#include "attnc/Runtime/LoadedCode.h"

namespace attnc {

struct LoadedFunction {
  const Function *decl;
  attnc_entry_fn run;
  attnc_size_fn size;
};

struct OpenOptions {
  std::string cpuLevel;    // empty: the best
  std::string weightsPath; // for external weights
};

class LoadedPackage {
public:
  static Expected<std::shared_ptr<const LoadedPackage>> open(const std::string &path, const OpenOptions &options);

  const Manifest &manifest() const { return file.manifest(); }
  const std::string &path() const { return file.path(); }
  const std::string &level() const { return usedLevel; }
  const std::string &signature() const { return usedSignature; }
  /// In the order of the manifest.
  const std::vector<LoadedFunction> &functions() const { return loaded; }
  const std::byte *weight(int index) const { return weightData[size_t(index)]; }

private:
  Status loadCode(const std::string &level);
  Status placeWeights(const std::string &path);

  PackageFile file;
  std::unique_ptr<LoadedCode> code;
  std::string usedLevel, usedSignature;
  std::vector<LoadedFunction> loaded;
  std::vector<const std::byte *> weightData;
  std::vector<std::shared_ptr<const void>> external; // keeps external weights
};

} // namespace attnc
