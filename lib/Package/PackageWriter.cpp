#include "attnc/Package/PackageFile.h"

namespace attnc {

struct PackageWriter::State {
  AtomicFile file;
  ZipWriter zip;
  bool external = false, weightsOpen = false;
  DigestStream digest;
  std::vector<WeightDecl> weights;

  explicit State(AtomicFile opened) : file(std::move(opened)), zip(file, packageAlignment) {}

  Status append(std::span<const std::byte> bytes) {
    digest.add(bytes);
    return zip.append(bytes);
  }
  /// weights.bin is the first entry; it is there even if a model has no weights.
  Status openWeights() {
    return std::exchange(weightsOpen, true) ? Status() : zip.begin(weightsFile);
  }
};

PackageWriter::PackageWriter(std::unique_ptr<State> state) : state(std::move(state)) {}
PackageWriter::PackageWriter(PackageWriter &&) noexcept = default;
PackageWriter::~PackageWriter() = default;

Expected<PackageWriter> PackageWriter::create(const std::string &path) {
  ATTNC_TRY(AtomicFile file, AtomicFile::create(path));
  return PackageWriter(std::make_unique<State>(std::move(file)));
}

void PackageWriter::useExternalWeights() { state->external = true; }
const std::vector<WeightDecl> &PackageWriter::weights() const { return state->weights; }

int PackageWriter::declareWeight(WeightDecl decl) {
  decl.offset = 0;
  decl.bytes = tensorBytes(decl.dtype, decl.shape).value_or(0);
  state->weights.push_back(std::move(decl));
  return int(state->weights.size()) - 1;
}

Expected<int> PackageWriter::addWeight(WeightDecl decl, DType from, std::span<const std::byte> data) {
  auto count = tensorBytes(DType::I8, decl.shape), bytes = tensorBytes(decl.dtype, decl.shape);
  if (state->external || !count || !bytes || data.size() != *count * dtypeSize(from))
    return makeError(ErrorKind::Internal, "weight '", decl.name, "' has ", data.size(), " bytes, ",
                     dtypeName(from), " ", shapeText(decl.shape), " was announced");
  ATTNC_CHECK(state->openWeights());
  uint64_t at = state->zip.entrySize();
  std::vector<std::byte> piece((weightAlignment - at % weightAlignment) % weightAlignment);
  ATTNC_CHECK(state->append(piece));
  decl.offset = at + piece.size();
  decl.bytes = *bytes;
  if (from == decl.dtype) {
    ATTNC_CHECK(state->append(data));
  } else { // in pieces: a weight is never in memory as a whole
    constexpr uint64_t most = 1 << 18;
    for (uint64_t done = 0; done < *count; done += most) {
      uint64_t n = std::min(most, *count - done);
      piece.resize(n * dtypeSize(decl.dtype));
      auto status = convertElements(from, data.data() + done * dtypeSize(from), decl.dtype, piece.data(), n);
      if (!status)
        return inContext(concat("weight '", decl.name, "'"), status.takeError());
      ATTNC_CHECK(state->append(piece));
    }
  }
  state->weights.push_back(std::move(decl));
  return int(state->weights.size()) - 1;
}

Expected<int> PackageWriter::addWeight(WeightDecl decl, std::span<const std::byte> data) {
  DType from = decl.dtype;
  return addWeight(std::move(decl), from, data);
}

Status PackageWriter::finish(Manifest manifest, std::span<const Code> code) {
  manifest.externalWeights = state->external;
  manifest.weights = state->weights;
  manifest.weightsDigest.clear();
  if (!state->external) {
    ATTNC_CHECK(state->openWeights());
    ATTNC_CHECK(state->zip.end());
    manifest.weightsDigest = state->digest.digest();
  }
  manifest.code.clear();
  for (auto &c : code) {
    std::string file = concat("code/", c.level, ".so");
    ATTNC_CHECK(state->zip.add(file, c.object));
    manifest.code.push_back({"cpu", c.level, file, digestOf(c.object)});
  }
  // A manifest that could not be read back is a mistake of the caller: found now, not by a user.
  std::string text = printManifest(manifest);
  ATTNC_CHECK(parseManifest(text));
  ATTNC_CHECK(state->zip.add(manifestFile, textBytes(text)));
  ATTNC_CHECK(state->zip.finish(digestOf(text)));
  return state->file.commit();
}

} // namespace attnc
