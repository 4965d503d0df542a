// Tensors in files: .npy (versions 1 to 3), .npz (stored, or deflated where zlib was found) and
// .safetensors. Files are mapped; tensors point into the mapping where they can. All three readers
// take the file as hostile: every length, offset and product is checked before it is used.
#pragma once

#include "attnc/Support/AtomicFile.h"
#include "attnc/Support/MappedFile.h"
#include "attnc/Support/Tensor.h"
#include "attnc/Support/Zip.h"
#include <map>

namespace attnc {

using Metadata = std::map<std::string, std::string>;

/// A .npy array in memory; `owner` keeps `bytes` alive. Fortran order is copied into C order.
Expected<Tensor> parseNpy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
Expected<Tensor> readNpy(const std::string &path);

/// "F32", as .safetensors writes it.
std::optional<DType> safetensorsDType(std::string_view name);

class SafetensorsFile {
public:
  struct Entry {
    std::string name;
    DType dtype;
    Shape shape;
    uint64_t offset, bytes; // in the file
  };
  static Expected<SafetensorsFile> open(const std::string &path);

  const std::vector<Entry> &entries() const { return list; } // sorted by name
  const Entry *find(std::string_view name) const;
  Tensor tensor(const Entry &entry) const;
  const Metadata &metadata() const { return meta; }

private:
  std::shared_ptr<const MappedFile> file;
  std::vector<Entry> list;
  Metadata meta;
};

/// A .npz or .safetensors file, told apart by their first bytes.
class TensorArchive {
public:
  static Expected<TensorArchive> open(const std::string &path);
  const std::vector<std::string> &names() const { return list; } // sorted
  bool contains(std::string_view name) const;
  Expected<Tensor> read(std::string_view name) const;
  /// Of a .safetensors file; empty for .npz.
  const Metadata &metadata() const { return safetensors ? safetensors->metadata() : noMetadata; }

private:
  std::string path;
  std::vector<std::string> list;
  std::optional<SafetensorsFile> safetensors;
  std::shared_ptr<const MappedFile> npz;
  std::map<std::string, ZipEntry, std::less<>> npzEntries;
  Metadata noMetadata;
};

// Writers append to a file that the caller made and commits.

/// NumPy has no bf16: it is written as f32, which holds the same values.
Status writeNpy(AtomicFile &file, const Tensor &tensor);
Status writeNpz(AtomicFile &file, std::span<const NamedTensor> tensors);
Status writeSafetensors(AtomicFile &file, std::span<const NamedTensor> tensors, const Metadata &metadata);

/// By the ending of the file's name: .npz or .safetensors.
Status writeArchive(AtomicFile &file, std::span<const NamedTensor> tensors);
/// Refuses a name that writeArchive would refuse, before any work is done.
Status checkArchiveName(std::string_view path);

} // namespace attnc
