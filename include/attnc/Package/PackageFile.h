// Packages as files: a stored zip whose entries start on 4096-byte boundaries, so that weights are
// used where they lie in the mapped file.
#pragma once

#include "attnc/Package/Manifest.h"
#include "attnc/Support/Digest.h"
#include "attnc/Support/MappedFile.h"
#include "attnc/Support/Zip.h"

namespace attnc {

inline constexpr uint32_t packageAlignment = 4096;

/// A package that was opened: manifest checked against its digest and its rules, and every entry
/// named by it present. Code is checked by code(), weights by verify().
class PackageFile {
public:
  static Expected<PackageFile> open(const std::string &path);

  const Manifest &manifest() const { return parsed; }
  const std::string &path() const { return name; }
  uint64_t fileBytes() const { return file->bytes().size(); }
  /// The shared object of a level, after its digest was compared.
  Expected<std::span<const std::byte>> code(const CodeFile &code) const;
  /// weights.bin in the mapping; empty if weights are external.
  std::span<const std::byte> weights() const { return weightBytes; }
  const std::shared_ptr<const MappedFile> &mapping() const { return file; }
  /// Compares every digest, weights included.
  Status verify() const;

private:
  Expected<std::span<const std::byte>> entry(std::string_view name) const;
  Status checkEntries() const;

  std::string name;
  std::shared_ptr<const MappedFile> file;
  ZipDirectory zip;
  Manifest parsed;
  std::span<const std::byte> weightBytes;
};

/// Writes a package. Weights first, in pieces or whole, then finish with the manifest and the code;
/// nothing appears under the package's name before finish succeeds.
class PackageWriter {
public:
  static Expected<PackageWriter> create(const std::string &path);
  PackageWriter(PackageWriter &&) noexcept;
  ~PackageWriter();

  /// From here on weights are only declared: they come from another file when the package is loaded.
  void useExternalWeights();
  /// Appends one weight, given in `from` and stored in `decl.dtype` (bf16 and f16 widen here).
  /// Offset and bytes are filled in. Returns its index.
  Expected<int> addWeight(WeightDecl decl, DType from, std::span<const std::byte> data);
  /// The same, its bytes as they are stored.
  Expected<int> addWeight(WeightDecl decl, std::span<const std::byte> data);
  /// With external weights.
  int declareWeight(WeightDecl decl);
  /// Declared so far; the manifest given to signatureOf and finish holds these.
  const std::vector<WeightDecl> &weights() const;

  struct Code {
    std::string level;
    std::span<const std::byte> object;
  };
  /// `manifest`'s producer, name, states and functions; code, weights and digests are filled in.
  Status finish(Manifest manifest, std::span<const Code> code);

private:
  struct State;
  explicit PackageWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace attnc
