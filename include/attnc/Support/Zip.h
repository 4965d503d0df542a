// Zip files, as far as packages and .npz need them: 64-bit sizes, stored entries, deflated ones on
// reading where zlib was found. No encryption, no data descriptors, one disk.
#pragma once

#include "attnc/Support/AtomicFile.h"
#include <memory>
#include <vector>

namespace attnc {

struct ZipEntry {
  std::string name;
  uint16_t method = 0; // 0 stored, 8 deflated
  uint32_t crc = 0;
  uint64_t size = 0;       // of the content
  uint64_t storedSize = 0; // in the file
  uint64_t headerOffset = 0, dataOffset = 0;
};

struct ZipDirectory {
  std::vector<ZipEntry> entries; // in the order of the file
  std::string comment;
};

/// Reads the directory of a whole zip file. Refuses names that occur twice, local headers that do not
/// say what the central ones say, and entries that overlap or leave the file. Contents are not read.
Expected<ZipDirectory> readZip(std::span<const std::byte> file);

/// An entry's content, in place or inflated; checks the CRC.
struct ZipContent {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner; // null: the bytes lie in the file
};
Expected<ZipContent> readZipEntry(std::span<const std::byte> file, const ZipEntry &entry);

/// Appends stored entries to a file. Each entry's content starts at a multiple of `alignment`
/// (padding in the local header's extra field, under the id that Android uses for it). Dates are
/// fixed, so equal contents give equal files.
class ZipWriter {
public:
  ZipWriter(AtomicFile &file, uint32_t alignment) : file(file), alignment(alignment) {}

  /// Contents may come in pieces: begin, append…, end.
  Status begin(std::string_view name);
  Status append(std::span<const std::byte> bytes);
  Status end();
  Status add(std::string_view name, std::span<const std::byte> bytes);
  /// Bytes of the open entry so far.
  uint64_t entrySize() const { return file.size() - open.dataOffset; }
  /// Writes the directory. The caller commits the file.
  Status finish(std::string_view comment);

private:
  std::string localHeader(const ZipEntry &entry) const;

  AtomicFile &file;
  uint32_t alignment;
  ZipEntry open;
  std::vector<ZipEntry> entries;
};

} // namespace attnc
