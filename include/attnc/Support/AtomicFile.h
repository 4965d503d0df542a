// A file that appears whole or not at all: written beside its final place, renamed at commit.
#pragma once

#include "attnc/Support/Expected.h"
#include <cstddef>
#include <cstdint>
#include <span>

namespace attnc {

inline std::span<const std::byte> textBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class AtomicFile {
public:
  /// Makes a temporary in the folder of `path`; fails if nothing can be written there.
  static Expected<AtomicFile> create(const std::string &path);
  AtomicFile(AtomicFile &&other) noexcept;
  AtomicFile &operator=(AtomicFile &&other) noexcept;
  /// Removes the temporary unless it was committed.
  ~AtomicFile();

  /// Appends; written through a buffer.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Overwrites bytes that were appended before.
  Status writeAt(uint64_t offset, std::span<const std::byte> bytes);
  /// Bytes appended so far.
  uint64_t size() const { return end; }
  const std::string &path() const { return target; }

  /// Gives the file its name, replacing one that is there.
  Status commit();

private:
  AtomicFile() = default;
  Status flush();
  Error failed(int code) const;

  int file = -1;
  std::string target, temporary, buffer;
  uint64_t end = 0;
};

} // namespace attnc
