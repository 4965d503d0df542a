#include "attnc/Support/MappedFile.h"
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attnc {

std::string systemMessage(int code) {
  char buffer[128];
  // The GNU form returns the text, which may or may not be in the buffer.
  std::string text = strerror_r(code, buffer, sizeof buffer);
  if (!text.empty())
    text[0] = char(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

Expected<std::shared_ptr<const MappedFile>> MappedFile::open(const std::string &path) {
  auto failed = [&](const std::string &why) {
    return makeError(ErrorKind::File, "cannot open '", path, "': ", why);
  };
  // Not blocking: a named pipe is refused below, not waited for.
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return failed(systemMessage(errno));
  struct stat info;
  bool known = fstat(file, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) {
    ::close(file);
    return failed("not a regular file");
  }
  size_t size = size_t(info.st_size);
  void *data = nullptr;
  if (size) {
    data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    if (data == MAP_FAILED) {
      int code = errno;
      ::close(file);
      return failed(systemMessage(code));
    }
  }
  ::close(file);
  return std::shared_ptr<const MappedFile>(new MappedFile(static_cast<const std::byte *>(data), size));
}

MappedFile::~MappedFile() {
  if (size)
    munmap(const_cast<std::byte *>(data), size);
}

} // namespace attnc
