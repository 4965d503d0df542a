#include "Bytes.h"
#include "ZipFormat.h"
#include "attnc/Support/Digest.h"
#include "attnc/Support/Zip.h"

namespace attnc {
namespace {
using namespace zip;
constexpr uint16_t fixedDate = 0x21; // 1 January 1980
constexpr uint64_t field64Size = 4 + 16, leastPadding = 6;

uint16_t versionOf(bool is64) { return is64 ? 45 : 20; }
uint64_t low32(uint64_t value) { return value < in64 ? value : in64; }
} // namespace

/// Header and padding up to entry.dataOffset. There is always room for the 64-bit sizes, so the
/// header can be written again, at the same length, when the size is known.
std::string ZipWriter::localHeader(const ZipEntry &entry) const {
  bool is64 = entry.size >= in64;
  uint64_t extra = entry.dataOffset - entry.headerOffset - localSize - entry.name.size();
  ByteWriter w;
  w.u32(localSignature).u16(versionOf(is64)).u16(0).u16(0).u16(0).u16(fixedDate).u32(entry.crc);
  w.u32(low32(entry.size)).u32(low32(entry.size)).u16(entry.name.size()).u16(extra).text(entry.name);
  if (is64) {
    w.u16(extra64).u16(16).u64(entry.size).u64(entry.size);
    extra -= field64Size;
  }
  w.u16(extraAlignment).u16(extra - 4).u16(alignment).zeros(extra - leastPadding);
  return std::move(w.out);
}

Status ZipWriter::begin(std::string_view name) {
  open = {};
  open.name = name;
  open.headerOffset = file.size();
  uint64_t least = file.size() + localSize + name.size() + field64Size + leastPadding;
  open.dataOffset = (least + alignment - 1) / alignment * alignment;
  return file.write(localHeader(open));
}

Status ZipWriter::append(std::span<const std::byte> bytes) {
  open.crc = crc32(open.crc, bytes);
  return file.write(bytes);
}

Status ZipWriter::end() {
  open.size = open.storedSize = entrySize();
  ATTNC_CHECK(file.writeAt(open.headerOffset, textBytes(localHeader(open))));
  entries.push_back(std::move(open));
  return {};
}

Status ZipWriter::add(std::string_view name, std::span<const std::byte> bytes) {
  ATTNC_CHECK(begin(name));
  ATTNC_CHECK(append(bytes));
  return end();
}

Status ZipWriter::finish(std::string_view comment) {
  uint64_t start = file.size();
  ByteWriter w;
  for (const ZipEntry &e : entries) {
    bool size64 = e.size >= in64, offset64 = e.headerOffset >= in64;
    uint16_t version = versionOf(size64 || offset64);
    w.u32(centralSignature).u16(version).u16(version).u16(0).u16(0).u16(0).u16(fixedDate).u32(e.crc);
    w.u32(low32(e.size)).u32(low32(e.size)).u16(e.name.size());
    uint16_t extra = (size64 ? 16 : 0) + (offset64 ? 8 : 0);
    w.u16(extra ? extra + 4 : 0).u16(0).u16(0).u16(0).u32(0).u32(low32(e.headerOffset)).text(e.name);
    if (extra)
      w.u16(extra64).u16(extra);
    if (size64)
      w.u64(e.size).u64(e.size);
    if (offset64)
      w.u64(e.headerOffset);
  }
  uint64_t size = w.out.size();
  bool is64 = start >= in64 || size >= in64 || entries.size() >= 0xffff;
  if (is64) {
    w.u32(end64Signature).u64(end64Size - 12).u16(45).u16(45).u32(0).u32(0);
    w.u64(entries.size()).u64(entries.size()).u64(size).u64(start);
    w.u32(locatorSignature).u32(0).u64(start + size).u32(1);
  }
  uint64_t count = is64 ? 0xffff : entries.size();
  w.u32(endSignature).u16(0).u16(0).u16(count).u16(count);
  w.u32(is64 ? in64 : size).u32(is64 ? in64 : start).u16(comment.size()).text(comment);
  return file.write(w.out);
}

} // namespace attnc
