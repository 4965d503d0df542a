#include "attnc/Support/AtomicFile.h"
#include "attnc/Support/MappedFile.h"
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace attnc {
namespace {
constexpr size_t bufferSize = 1 << 16;

/// write(2) until all is written; the error code otherwise.
int writeAll(int file, const void *data, size_t size, uint64_t offset) {
  auto *at = static_cast<const char *>(data);
  while (size) {
    ssize_t done = pwrite(file, at, size, off_t(offset));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return done < 0 ? errno : EIO;
    at += done, size -= size_t(done), offset += uint64_t(done);
  }
  return 0;
}
} // namespace

Error AtomicFile::failed(int code) const {
  return makeError(ErrorKind::File, "cannot write '", target, "': ", systemMessage(code));
}

Expected<AtomicFile> AtomicFile::create(const std::string &path) {
  AtomicFile out;
  out.target = path;
  struct stat info;
  if (stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    if (S_ISDIR(info.st_mode))
      return out.failed(EISDIR);
    // Renaming would put a file in the place of a device or pipe.
    return makeError(ErrorKind::File, "cannot write '", path, "': not a regular file");
  }
  std::string name = path + ".XXXXXX";
  out.file = mkostemp(name.data(), O_CLOEXEC);
  if (out.file < 0)
    return out.failed(errno);
  out.temporary = name;
  // mkostemp makes it private; a new file has the permissions the user's mask leaves.
  mode_t mask = umask(0);
  umask(mask);
  fchmod(out.file, 0666 & ~mask);
  return out;
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept { *this = std::move(other); }

AtomicFile &AtomicFile::operator=(AtomicFile &&other) noexcept {
  std::swap(file, other.file);
  std::swap(target, other.target);
  std::swap(temporary, other.temporary);
  std::swap(buffer, other.buffer);
  std::swap(end, other.end);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (file >= 0)
    close(file);
  if (!temporary.empty())
    unlink(temporary.c_str());
}

Status AtomicFile::flush() {
  if (int code = writeAll(file, buffer.data(), buffer.size(), end - buffer.size()))
    return failed(code);
  buffer.clear();
  return {};
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  if (buffer.size() + bytes.size() > bufferSize)
    ATTNC_CHECK(flush());
  if (bytes.size() >= bufferSize) {
    if (int code = writeAll(file, bytes.data(), bytes.size(), end))
      return failed(code);
  } else {
    buffer.append(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  }
  end += bytes.size();
  return {};
}

Status AtomicFile::write(std::string_view text) { return write(std::as_bytes(std::span(text))); }

Status AtomicFile::writeAt(uint64_t offset, std::span<const std::byte> bytes) {
  ATTNC_CHECK(flush());
  if (offset > end || bytes.size() > end - offset)
    return makeError(ErrorKind::Internal, "writeAt behind the end of '", target, "'");
  if (int code = writeAll(file, bytes.data(), bytes.size(), offset))
    return failed(code);
  return {};
}

Status AtomicFile::commit() {
  ATTNC_CHECK(flush());
  // A full disk may show only now.
  if (close(std::exchange(file, -1)) != 0)
    return failed(errno);
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return failed(errno);
  temporary.clear();
  return {};
}

} // namespace attnc
