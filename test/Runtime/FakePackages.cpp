// fake-packages signature > fake_signature.h      what the fake code is compiled with
// fake-packages write FOLDER AVX2.so AVX512.so    writes fake.attnpkg, external.attnpkg, …
#include "FakeModel.h"
#include "attnc/Package/PackageFile.h"
#include "attnc/Support/TensorFiles.h"
#include <cstdio>
#include <cstring>

using namespace attnc;

static std::span<const std::byte> bytesOf(std::span<const float> values) { return std::as_bytes(values); }

static Status writePackage(const std::string &path, bool external, const char *avx2, const char *avx512) {
  ATTNC_TRY(auto writer, PackageWriter::create(path));
  Manifest m = fakeManifest(external);
  if (external)
    writer.useExternalWeights();
  for (auto &w : m.weights) {
    if (external) {
      writer.declareWeight(w);
      continue;
    }
    ATTNC_CHECK(writer.addWeight(w, bytesOf(w.name == "w" ? std::span<const float>(fakeW) : fakeB)));
  }
  std::vector<std::shared_ptr<const MappedFile>> files;
  std::vector<PackageWriter::Code> code;
  for (auto [level, object] : {std::pair{"avx2", avx2}, std::pair{"avx512", avx512}}) {
    if (!object)
      continue;
    ATTNC_TRY(auto file, MappedFile::open(object));
    code.push_back({level, file->bytes()});
    files.push_back(std::move(file));
  }
  return writer.finish(m, code);
}

/// A package with another manifest text, digests right: what a newer or a broken writer might leave.
static Status rewrite(const std::string &from, const std::string &to, std::string_view old, std::string_view replacement) {
  ATTNC_TRY(auto file, MappedFile::open(from));
  ATTNC_TRY(auto zip, readZip(file->bytes()));
  ATTNC_TRY(auto out, AtomicFile::create(to));
  ZipWriter writer(out, packageAlignment);
  std::string digest;
  for (auto &e : zip.entries) {
    auto content = file->bytes().subspan(e.dataOffset, e.size);
    std::string text(reinterpret_cast<const char *>(content.data()), content.size());
    if (e.name == manifestFile) {
      size_t at = text.find(old);
      if (at == std::string::npos)
        return makeError(ErrorKind::Internal, "the manifest has no ", old);
      text.replace(at, old.size(), replacement);
      digest = digestOf(text);
    }
    ATTNC_CHECK(writer.add(e.name, textBytes(text)));
  }
  ATTNC_CHECK(writer.finish(digest));
  return out.commit();
}

static Status writeAll(const std::string &folder, const char *avx2, const char *avx512) {
  std::string fake = folder + "/fake.attnpkg";
  ATTNC_CHECK(writePackage(fake, false, avx2, avx512));
  ATTNC_CHECK(writePackage(folder + "/external.attnpkg", true, avx2, avx512));
  ATTNC_CHECK(writePackage(folder + "/avx512.attnpkg", false, nullptr, avx512));
  ATTNC_CHECK(rewrite(fake, folder + "/newer.attnpkg", "\"format\": 2", "\"format\": 3, \"new\": {}"));
  ATTNC_CHECK(rewrite(fake, folder + "/unknown-key.attnpkg", "\"format\": 2", "\"format\": 2, \"new\": {}"));
  return rewrite(fake, folder + "/other-shape.attnpkg", "[\"N\"]", "[\"M\"]");
}

int main(int argc, char **argv) {
  if (argc == 2 && !std::strcmp(argv[1], "signature")) {
    std::printf("#define FAKE_SIGNATURE \"%s\"\n", signatureOf(fakeManifest()).c_str());
    return 0;
  }
  if (argc != 5)
    return 2;
  auto status = writeAll(argv[2], argv[3], argv[4]);
  if (!status)
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
  return !status;
}
