#include "attnc/Package/PackageFile.h"
#include <algorithm>

namespace attnc {
namespace {
constexpr std::string_view knownFiles[] = {manifestFile, weightsFile, "code/avx2.so", "code/avx512.so"};

Error damaged(std::string_view why) {
  return makeError(ErrorKind::Format, "damaged or truncated package: ", why);
}
} // namespace

/// The zip is one of ours: stored, aligned, and of known names.
Status PackageFile::checkEntries() const {
  for (auto &e : zip.entries) {
    if (std::find(std::begin(knownFiles), std::end(knownFiles), e.name) == std::end(knownFiles))
      return damaged(concat("it holds an unknown file '", e.name.substr(0, 40), "'"));
    if (e.method != 0)
      return damaged(concat(e.name, " is compressed"));
    if (e.dataOffset % packageAlignment != 0)
      return damaged(concat(e.name, " is not on a 4096-byte boundary"));
  }
  return {};
}

Expected<std::span<const std::byte>> PackageFile::entry(std::string_view file_) const {
  for (auto &e : zip.entries)
    if (e.name == file_)
      return file->bytes().subspan(e.dataOffset, e.size);
  return damaged(concat(file_, " is missing"));
}

Expected<PackageFile> PackageFile::open(const std::string &path) {
  PackageFile out;
  out.name = path;
  ATTNC_TRY(out.file, MappedFile::open(path));
  auto load = [&]() -> Status {
    auto bytes = out.file->bytes();
    if (bytes.size() < 4 || std::string_view(reinterpret_cast<const char *>(bytes.data()), 4) != "PK\3\4")
      return makeError(ErrorKind::Format, "not a package (it does not begin as a zip file)");
    ATTNC_TRY(out.zip, readZip(bytes));
    ATTNC_CHECK(out.checkEntries());
    ATTNC_TRY(auto manifest, out.entry(manifestFile));
    if (digestOf(manifest) != out.zip.comment)
      return damaged("the digest of manifest.json differs");
    ATTNC_TRY(out.parsed, parseManifest({reinterpret_cast<const char *>(manifest.data()), manifest.size()}));
    // The files are exactly those that the manifest names.
    for (auto &c : out.parsed.code)
      ATTNC_CHECK(out.entry(c.file));
    if (out.zip.entries.size() != 1 + out.parsed.code.size() + !out.parsed.externalWeights)
      return damaged("it holds a file that the manifest does not name");
    if (out.parsed.externalWeights)
      return {};
    ATTNC_TRY(out.weightBytes, out.entry(weightsFile));
    for (auto &w : out.parsed.weights)
      if (w.offset > out.weightBytes.size() || w.bytes > out.weightBytes.size() - w.offset)
        return damaged(concat("weight '", w.name, "' lies outside weights.bin"));
    return {};
  };
  if (auto status = load(); !status)
    return inContext(path, status.takeError());
  return out;
}

Expected<std::span<const std::byte>> PackageFile::code(const CodeFile &code) const {
  ATTNC_TRY(auto bytes, entry(code.file));
  if (digestOf(bytes) != code.digest)
    return damaged(concat("the digest of ", code.file, " differs"));
  return bytes;
}

Status PackageFile::verify() const {
  for (auto &c : parsed.code)
    if (auto content = code(c); !content)
      return inContext(name, content.takeError());
  if (!parsed.externalWeights && digestOf(weightBytes) != parsed.weightsDigest)
    return inContext(name, damaged("the digest of weights.bin differs"));
  return {};
}

} // namespace attnc
