// .npz, and the door to both archive formats.
#include "Npy.h"
#include "attnc/Support/TensorFiles.h"
#include <algorithm>
#include <cstring>

namespace attnc {
namespace {
constexpr std::string_view npyEnding = ".npy";

bool isZip(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && (std::memcmp(bytes.data(), "PK\3\4", 4) == 0 ||
                               std::memcmp(bytes.data(), "PK\5\6", 4) == 0); // the second: an empty one
}
} // namespace

Expected<TensorArchive> TensorArchive::open(const std::string &path) {
  TensorArchive out;
  out.path = path;
  ATTNC_TRY(auto file, MappedFile::open(path));
  if (!isZip(file->bytes())) {
    ATTNC_TRY(out.safetensors, SafetensorsFile::open(path));
    for (auto &entry : out.safetensors->entries())
      out.list.push_back(entry.name);
    return out;
  }
  auto directory = readZip(file->bytes());
  if (!directory)
    return inContext(path, directory.takeError());
  for (ZipEntry &entry : directory->entries) {
    if (!std::string_view(entry.name).ends_with(npyEnding))
      return makeError(ErrorKind::Format, path, ": entry '", entry.name.substr(0, 80),
                       "' is not a .npy array");
    std::string name = entry.name.substr(0, entry.name.size() - npyEnding.size());
    out.list.push_back(name);
    out.npzEntries.emplace(std::move(name), std::move(entry));
  }
  std::sort(out.list.begin(), out.list.end());
  out.npz = std::move(file);
  return out;
}

bool TensorArchive::contains(std::string_view name) const {
  return std::binary_search(list.begin(), list.end(), name);
}

Expected<Tensor> TensorArchive::read(std::string_view name) const {
  if (!contains(name))
    return makeError(ErrorKind::Argument, "'", path, "' has no tensor '", name, "'");
  if (safetensors)
    return safetensors->tensor(*safetensors->find(name));
  auto content = readZipEntry(npz->bytes(), npzEntries.find(name)->second);
  if (!content)
    return inContext(concat(path, ", ", name), content.takeError());
  std::shared_ptr<const void> owner = npz;
  auto tensor = parseNpy(content->bytes, content->owner ? content->owner : owner);
  if (!tensor)
    return inContext(concat(path, ", ", name), tensor.takeError());
  return tensor;
}

Status writeNpz(AtomicFile &file, std::span<const NamedTensor> tensors) {
  ZipWriter zip(file, 64);
  for (auto &t : tensors) {
    ATTNC_TRY(Tensor plain, npyTensor(t.tensor));
    ATTNC_CHECK(zip.begin(t.name + std::string(npyEnding)));
    ATTNC_CHECK(zip.append(textBytes(npyHeader(plain))));
    ATTNC_CHECK(zip.append(plain.span()));
    ATTNC_CHECK(zip.end());
  }
  return zip.finish("");
}

Status writeArchive(AtomicFile &file, std::span<const NamedTensor> tensors) {
  ATTNC_CHECK(checkArchiveName(file.path()));
  if (file.path().ends_with(".npz"))
    return writeNpz(file, tensors);
  return writeSafetensors(file, tensors, {});
}

Status checkArchiveName(std::string_view path) {
  if (path.ends_with(".npz") || path.ends_with(".safetensors"))
    return {};
  return makeError(ErrorKind::Argument, "expected a name ending in .npz or .safetensors, found '", path, "'");
}

} // namespace attnc
