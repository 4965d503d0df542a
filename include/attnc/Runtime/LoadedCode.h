// Code of a package as the process runs it.
#pragma once

#include "attnc/Support/Expected.h"
#include <cstddef>
#include <memory>
#include <span>

namespace attnc {

/// A shared object loaded from memory; unloaded with the last user.
class LoadedCode {
public:
  static Expected<std::unique_ptr<LoadedCode>> load(std::span<const std::byte> object);
  ~LoadedCode();
  LoadedCode(const LoadedCode &) = delete;
  LoadedCode &operator=(const LoadedCode &) = delete;
  /// Null if there is no such symbol.
  void *find(const std::string &symbol) const;

private:
  LoadedCode(void *handle, int file) : handle(handle), file(file) {}
  void *handle;
  int file;
};

} // namespace attnc
