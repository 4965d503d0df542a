// Damaged .npy, .npz and .safetensors files: each is refused with a sentence or read within its bytes.
// Runs under the sanitizers; reading every byte of what was accepted makes a wrong range visible.
#include "Check.h"
#include "Mutate.h"
#include "attnc/Support/TensorFiles.h"

using namespace attnc;

static std::string folder;

static std::string contentOf(const std::string &path) {
  auto file = MappedFile::open(path);
  return file ? std::string(reinterpret_cast<const char *>((*file)->bytes().data()), (*file)->bytes().size()) : "";
}

static void writeText(const std::string &path, const std::string &text) {
  auto file = AtomicFile::create(path);
  if (!file || !file->write(text) || !file->commit())
    check::report(__FILE__, __LINE__, "cannot write " + path);
}

static std::vector<NamedTensor> sample() {
  std::vector<NamedTensor> out;
  for (int i = 0; i < dtypeCount; ++i) {
    auto t = Tensor::allocate(DType(i), i % 2 ? Shape{2, 3} : Shape{5});
    std::memset(t->mutableData(), 1, t->bytes());
    out.push_back({"tensor." + std::to_string(i), *t});
  }
  return out;
}

static uint64_t sumOf(const Tensor &t) {
  uint64_t sum = 0;
  for (std::byte b : t.span())
    sum += uint64_t(b);
  return sum;
}

/// Damages `original` a thousand times; `read` returns the error, or nothing if it was accepted.
template <class Read> static void damage(const std::string &original, const std::string &path, size_t header, Read read) {
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int i = 0; i < 1000; ++i) {
    writeText(path, mutate(original, random, i % 4 ? header : SIZE_MAX));
    std::string sentence = read(path);
    if (sentence.empty())
      ++accepted;
    else if (sentence.find('\n') != std::string::npos || sentence.size() > 400)
      check::report(__FILE__, __LINE__, "not one sentence: " + sentence);
  }
  std::printf("  %s: %d of 1000 accepted\n", path.c_str(), accepted);
  EXPECT(accepted < 700);
}

static std::string readArchive(const std::string &path) {
  auto archive = TensorArchive::open(path);
  if (!archive)
    return archive.error().message;
  uint64_t sum = 0;
  for (auto &name : archive->names()) {
    auto t = archive->read(name);
    if (!t)
      return t.error().message;
    sum += sumOf(*t);
  }
  return sum == 1 ? "?" : "";
}

TEST(damaged_npy) {
  std::string path = folder + "/mutated.npy";
  auto file = AtomicFile::create(path);
  REQUIRE(file && writeNpy(*file, sample()[1].tensor) && file->commit());
  damage(contentOf(path), path, 64, [](const std::string &p) {
    auto t = readNpy(p);
    return t ? std::string(sumOf(*t) == 1 ? "?" : "") : t.error().message;
  });
}

TEST(damaged_safetensors) {
  std::string path = folder + "/mutated.safetensors";
  auto file = AtomicFile::create(path);
  REQUIRE(file && writeSafetensors(*file, sample(), {{"key", "value"}}) && file->commit());
  std::string original = contentOf(path);
  damage(original, path, 400, readArchive);
  // The header as JSON, with its length made right.
  std::mt19937_64 random(8);
  uint64_t length;
  std::memcpy(&length, original.data(), 8);
  for (int i = 0; i < 1000; ++i) {
    std::string header = mutateJson(original.substr(8, length), random);
    uint64_t size = header.size();
    writeText(path, std::string(reinterpret_cast<char *>(&size), 8) + header + original.substr(8 + length));
    readArchive(path);
  }
}

TEST(damaged_npz) {
  std::string path = folder + "/mutated.npz";
  auto file = AtomicFile::create(path);
  REQUIRE(file && writeNpz(*file, sample()) && file->commit());
  damage(contentOf(path), path, SIZE_MAX, readArchive);
}

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  return check::runAll();
}
