// A whole file mapped read-only.
#pragma once

#include "attnc/Support/Expected.h"
#include <cstddef>
#include <memory>
#include <span>

namespace attnc {

class MappedFile {
public:
  /// Maps `path`, which must be a regular file. The mapping lives as long as the last pointer to it.
  static Expected<std::shared_ptr<const MappedFile>> open(const std::string &path);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  std::span<const std::byte> bytes() const { return {data, size}; }

private:
  MappedFile(const std::byte *data, size_t size) : data(data), size(size) {}
  const std::byte *data;
  size_t size;
};

/// The words for errno, as in "cannot open 'x': no such file or directory".
std::string systemMessage(int code);

} // namespace attnc
