#include "LoadedPackage.h"
#include "ElfCheck.h"
#include "attnc/Runtime/Cpu.h"
#include "attnc/Runtime/Weights.h"
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif

namespace attnc {
namespace {

/// A sealed file in memory that may be executed; -1 on failure.
int memoryFile(std::span<const std::byte> bytes) {
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int file = memfd_create("attnc-code", flags | MFD_EXEC);
  if (file < 0 && errno == EINVAL) // kernels before 6.3
    file = memfd_create("attnc-code", flags);
  if (file < 0)
    return -1;
  while (!bytes.empty()) {
    ssize_t done = write(file, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0) {
      close(file);
      return -1;
    }
    bytes = bytes.subspan(size_t(done));
  }
  fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  return file;
}

} // namespace

Expected<std::unique_ptr<LoadedCode>> LoadedCode::load(std::span<const std::byte> object) {
  ATTNC_CHECK(checkSharedObject(object));
  int file = memoryFile(object);
  if (file < 0)
    return makeError(ErrorKind::Memory, "cannot put the package's code in memory: ", systemMessage(errno));
  // The descriptor stays open as long as the code is loaded: dlopen knows objects by this name, and
  // would take a later object under the same number for this one.
  void *handle = dlopen(concat("/proc/self/fd/", file).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    close(file);
    return makeError(ErrorKind::Format, "the package's code cannot be loaded: ", why ? why : "no reason given");
  }
  return std::unique_ptr<LoadedCode>(new LoadedCode(handle, file));
}

LoadedCode::~LoadedCode() {
  dlclose(handle);
  close(file);
}

void *LoadedCode::find(const std::string &symbol) const { return dlsym(handle, symbol.c_str()); }

Expected<std::shared_ptr<const LoadedPackage>> LoadedPackage::open(const std::string &path,
                                                                   const OpenOptions &options) {
  auto out = std::make_shared<LoadedPackage>();
  ATTNC_TRY(out->file, PackageFile::open(path));
  auto load = [&]() -> Status {
    ATTNC_CHECK(out->loadCode(options.cpuLevel));
    return out->placeWeights(options.weightsPath);
  };
  if (auto status = load(); !status)
    return inContext(path, status.takeError());
  return std::shared_ptr<const LoadedPackage>(std::move(out));
}

Status LoadedPackage::loadCode(const std::string &level) {
  ATTNC_TRY(const CodeFile *chosen, chooseLevel(manifest().code, level));
  ATTNC_TRY(auto object, file.code(*chosen));
  ATTNC_TRY(code, LoadedCode::load(object));
  usedLevel = chosen->level;
  usedSignature = signatureOf(manifest());
  auto *signature = static_cast<const char *>(code->find(ATTNC_SIGNATURE_SYMBOL));
  if (!signature || std::strncmp(signature, usedSignature.c_str(), digestLength + 1) != 0)
    return makeError(ErrorKind::Format, "the manifest and ", chosen->file, " do not belong together");
  for (auto &f : manifest().functions) {
    LoadedFunction entry{&f, reinterpret_cast<attnc_entry_fn>(code->find(f.symbol)),
                         reinterpret_cast<attnc_size_fn>(code->find(f.sizeSymbol))};
    if (!entry.run || !entry.size)
      return makeError(ErrorKind::Format, chosen->file, " lacks the code of '", f.name, "'");
    loaded.push_back(entry);
  }
  return {};
}

/// Weights of the package stay where they are mapped; external ones are converted and prepared once.
Status LoadedPackage::placeWeights(const std::string &path) {
  const Manifest &m = manifest();
  weightData.reserve(m.weights.size());
  if (!m.externalWeights) {
    if (!path.empty())
      return makeError(ErrorKind::Argument, "the package holds its weights and takes none from '", path, "'");
    for (auto &w : m.weights)
      weightData.push_back(file.weights().data() + w.offset);
    return {};
  }
  if (path.empty())
    return makeError(ErrorKind::Argument, "the package was compiled with --weights=external: give --weights FILE");
  ATTNC_TRY(ModelWeights source, ModelWeights::open(path, m));
  for (auto &w : m.weights) {
    auto read = w.prepared ? source.prepare(m, w, *code) : source.read(w);
    if (!read)
      return inContext(concat("weights '", path, "'"), read.takeError());
    weightData.push_back(read->data());
    external.push_back(read->owner());
  }
  return {};
}

} // namespace attnc
