// Links with lld in this process. lld works on files, so the object and the result pass through a
// temporary folder that is removed in any case.
#include "Link.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

namespace attnc {

static Error writeFile(StringRef path, StringRef bytes) {
  std::error_code error;
  raw_fd_ostream stream(path, error);
  if (error)
    return createStringError(error, "cannot write the temporary file " + path);
  stream << bytes;
  stream.close();
  if (stream.has_error())
    return createStringError(stream.error(), "cannot write the temporary file " + path);
  return Error::success();
}

Expected<std::string> linkSharedObject(StringRef object) {
  static std::mutex oneAtATime; // lld keeps global state
  std::lock_guard<std::mutex> lock(oneAtATime);

  SmallString<128> folder;
  if (std::error_code error = sys::fs::createUniqueDirectory("attnc", folder))
    return createStringError(error, "cannot make a temporary folder: " + error.message());
  scope_exit cleanup([&] { sys::fs::remove_directories(folder); });
  SmallString<128> in(folder), out(folder);
  sys::path::append(in, "code.o");
  sys::path::append(out, "code.so");
  if (Error error = writeFile(in, object))
    return error;

  const char *args[] = {"ld.lld", "-shared", "--no-undefined", "--gc-sections", "--build-id=none", "-z", "now",
                        "-z", "noexecstack", "--hash-style=gnu", "--strip-debug", in.c_str(), "-o", out.c_str()};
  std::string messages;
  raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return createStringError(inconvertibleErrorCode(), "linking the generated code failed: " + messages);
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked = MemoryBuffer::getFile(out, false, false);
  if (!linked)
    return createStringError(linked.getError(), "cannot read back the linked code");
  return (*linked)->getBuffer().str();
}

} // namespace attnc
