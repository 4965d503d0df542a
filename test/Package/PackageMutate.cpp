// Damaged packages: 1000 with random damage, 400 twice whose manifest was changed and all digests made
// right again. Each is refused with one sentence, or its functions run. Runs under the sanitizers.
#include "../Support/Check.h"
#include "../Support/Mutate.h"
#include "LoadedForTest.h"

using namespace attnc;

static std::string folder;

static std::string contentOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

static Status writeText(const std::string &path, const std::string &text) {
  ATTNC_TRY(auto file, AtomicFile::create(path));
  ATTNC_CHECK(file.write(text));
  return file.commit();
}

/// The package with another manifest; every digest is right.
static Status writeWithManifest(const PackageFile &original, const std::string &path, const std::string &manifest) {
  ATTNC_TRY(auto out, AtomicFile::create(path));
  ZipWriter zip(out, packageAlignment);
  if (!original.manifest().externalWeights)
    ATTNC_CHECK(zip.add(weightsFile, original.weights()));
  for (auto &c : original.manifest().code) {
    ATTNC_TRY(auto object, original.code(c));
    ATTNC_CHECK(zip.add(c.file, object));
  }
  ATTNC_CHECK(zip.add(manifestFile, textBytes(manifest)));
  ATTNC_CHECK(zip.finish(digestOf(manifest)));
  return out.commit();
}

static void checkSentence(const Status &status) {
  if (!status && (status.error().message.empty() || status.error().message.find('\n') != std::string::npos ||
                  status.error().message.size() > 600))
    check::report(__FILE__, __LINE__, "not one sentence: " + status.error().message);
}

TEST(random_damage) {
  auto original = MappedFile::open(folder + "/fake.attnpkg");
  REQUIRE(bool(original));
  std::string bytes = contentOf((*original)->bytes()), path = folder + "/mutated.attnpkg";
  std::mt19937_64 random(1);
  int accepted = 0;
  for (int i = 0; i < 1000; ++i) {
    // Much of the file is padding; half of the damage goes to the directory and the manifest.
    std::string damaged = bytes;
    if (i % 2)
      damaged = mutate(std::move(damaged), random);
    else {
      size_t tail = std::min<size_t>(bytes.size(), 12000);
      damaged = bytes.substr(0, bytes.size() - tail) + mutate(bytes.substr(bytes.size() - tail), random);
    }
    REQUIRE(bool(writeText(path, damaged)));
    auto status = loadAndRun(path);
    checkSentence(status);
    accepted += bool(status);
  }
  std::printf("  random damage: %d of 1000 accepted and run\n", accepted);
  EXPECT(accepted < 900);
}

TEST(changed_manifests_with_right_digests) {
  auto original = PackageFile::open(folder + "/fake.attnpkg");
  REQUIRE(bool(original));
  std::string manifest = printManifest(original->manifest()), path = folder + "/mutated.attnpkg";
  std::mt19937_64 random(2);
  int accepted = 0;
  for (int i = 0; i < 400; ++i) {
    REQUIRE(bool(writeWithManifest(*original, path, mutateJson(manifest, random))));
    auto status = loadAndRun(path);
    checkSentence(status);
    accepted += bool(status);
  }
  std::printf("  changed manifests: %d of 400 accepted and run\n", accepted);
  EXPECT(accepted > 0 && accepted < 300); // some change only what is shown
}

TEST(changed_manifests_with_external_weights) {
  // Sources and prepared weights are looked up, read and made while the package is loaded.
  auto original = PackageFile::open(folder + "/external.attnpkg");
  REQUIRE(bool(original));
  std::string manifest = printManifest(original->manifest()), path = folder + "/mutated.attnpkg", weights = folder + "/mutated.safetensors";
  auto tensor = [](Shape shape) {
    Tensor t = *Tensor::allocate(DType::F32, shape);
    std::fill_n(t.mutableData(), t.bytes(), std::byte(0));
    return t;
  };
  NamedTensor tensors[] = {{"w", tensor({4})}, {"half", tensor({2})}};
  auto file = AtomicFile::create(weights);
  REQUIRE(bool(file) && bool(writeSafetensors(*file, tensors, {})) && bool(file->commit()));
  EXPECT(bool(loadAndRun(folder + "/external.attnpkg", weights)));
  std::mt19937_64 random(4);
  int accepted = 0;
  for (int i = 0; i < 400; ++i) {
    REQUIRE(bool(writeWithManifest(*original, path, mutateJson(manifest, random))));
    auto status = loadAndRun(path, weights);
    checkSentence(status);
    accepted += bool(status);
  }
  std::printf("  changed manifests, external weights: %d of 400 accepted and run\n", accepted);
  EXPECT(accepted > 0 && accepted < 300);
}

TEST(every_truncation_is_refused) {
  auto original = MappedFile::open(folder + "/fake.attnpkg");
  REQUIRE(bool(original));
  std::string bytes = contentOf((*original)->bytes()), path = folder + "/mutated.attnpkg";
  for (size_t length = 0; length < bytes.size(); length += 97) {
    REQUIRE(bool(writeText(path, bytes.substr(0, length))));
    EXPECT(!loadAndRun(path));
  }
}

TEST(damaged_objects_are_refused_or_harmless) {
  // Below the digest: what the ELF walk is for.
  auto original = PackageFile::open(folder + "/fake.attnpkg");
  REQUIRE(bool(original));
  auto object = original->code(original->manifest().code[0]);
  REQUIRE(bool(object));
  std::mt19937_64 random(3);
  int refused = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = mutate(contentOf(*object), random, 1024);
    refused += !checkSharedObject(textBytes(damaged));
  }
  std::printf("  damaged objects: %d of 1000 refused by the look at the headers\n", refused);
  EXPECT(bool(checkSharedObject(*object)));
  EXPECT(refused > 300);
}

int main(int argc, char **argv) {
  folder = argc > 1 ? argv[1] : ".";
  return check::runAll();
}
