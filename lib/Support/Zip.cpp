// Reading zip directories: find the end record, walk the central directory, compare every local header.
#include "attnc/Support/Zip.h"
#include "Bytes.h"
#include "ZipFormat.h"
#include "attnc/Support/Digest.h"
#include "attnc/Support/Tensor.h"
#include <algorithm>
#include <set>
#ifdef ATTNC_HAVE_ZLIB
#include <zlib.h>
#endif

namespace attnc {
namespace {
using namespace zip;
using Bytes = std::span<const std::byte>;

Error damaged(std::string_view why) {
  return makeError(ErrorKind::Format, "damaged or truncated zip file: ", why);
}

struct EndRecord {
  uint64_t entries, size, offset;
  std::string comment;
};

/// The end record is the last one whose comment reaches exactly to the end of the file.
Expected<EndRecord> findEnd(Bytes file) {
  if (file.size() < endSize)
    return damaged("no end record");
  uint64_t last = file.size() - endSize, first = last - std::min<uint64_t>(last, 0xffff);
  uint64_t at = last + 1;
  while (at > first) {
    ByteReader r(file, --at);
    if (r.u32() != endSignature)
      continue;
    uint16_t disk = r.u16(), directoryDisk = r.u16(), here = r.u16(), all = r.u16();
    uint32_t size = r.u32(), offset = r.u32();
    uint16_t length = r.u16();
    if (length != r.left())
      continue;
    if (disk || directoryDisk || here != all)
      return damaged("several disks");
    EndRecord end{all, size, offset, std::string(r.text(length))};
    uint64_t directoryEnd = at;
    if (all == 0xffff || size == in64 || offset == in64) {
      ByteReader locator(file, at >= locatorSize ? at - locatorSize : 0);
      bool found = locator.u32() == locatorSignature && locator.u32() == 0;
      uint64_t end64 = locator.u64();
      ByteReader r64(file, end64);
      if (!found || r64.u32() != end64Signature || r64.u64() != end64Size - 12 ||
          at < locatorSize || end64 != at - locatorSize - end64Size)
        return damaged("no 64-bit end record");
      r64.skip(4 + 8);
      uint64_t here64 = r64.u64();
      end.entries = r64.u64(), end.size = r64.u64(), end.offset = r64.u64();
      if (!r64.ok() || here64 != end.entries)
        return damaged("several disks");
      directoryEnd = end64;
    }
    if (end.offset > directoryEnd || end.size != directoryEnd - end.offset)
      return damaged("the directory is not where the end record says");
    return end;
  }
  return damaged("no end record");
}

/// Replaces sizes and offset that say "see the 64-bit field" by the values in the extra field.
Status readExtra64(std::string_view extra, std::initializer_list<uint64_t *> fields) {
  ByteReader r(std::as_bytes(std::span(extra)));
  bool needed = std::any_of(fields.begin(), fields.end(), [](auto *f) { return *f == in64; });
  while (r.left() >= 4) {
    uint16_t id = r.u16(), size = r.u16();
    std::string_view content = r.text(size);
    if (!r.ok())
      break;
    if (id != extra64 || !needed)
      continue;
    ByteReader values(std::as_bytes(std::span(content)));
    for (uint64_t *field : fields)
      if (*field == in64)
        *field = values.u64();
    if (!values.ok())
      return damaged("a 64-bit field is too short");
    needed = false;
  }
  if (needed || !r.ok() || r.left())
    return damaged("an extra field does not hold");
  return {};
}

/// The local header repeats the central one; what follows it is the content.
Status checkLocal(Bytes file, ZipEntry &entry, uint16_t flags, uint64_t directory) {
  ByteReader r(file, entry.headerOffset);
  bool same = r.u32() == localSignature;
  r.skip(2);
  same &= r.u16() == flags && r.u16() == entry.method;
  r.skip(4);
  same &= r.u32() == entry.crc;
  uint64_t stored = r.u32(), size = r.u32();
  uint16_t nameLength = r.u16(), extraLength = r.u16();
  same &= r.text(nameLength) == entry.name;
  std::string_view extra = r.text(extraLength);
  if (!r.ok() || !same)
    return damaged("local and central header differ");
  ATTNC_CHECK(readExtra64(extra, {&size, &stored}));
  if (size != entry.size || stored != entry.storedSize)
    return damaged("local and central header differ");
  entry.dataOffset = r.offset();
  if (entry.dataOffset > directory || entry.storedSize > directory - entry.dataOffset)
    return damaged("an entry leaves the file");
  return {};
}

Expected<ZipEntry> readCentral(ByteReader &r, Bytes file, uint64_t directory) {
  ZipEntry entry;
  if (r.u32() != centralSignature)
    return damaged("the directory ends early");
  r.skip(4);
  uint16_t flags = r.u16();
  entry.method = r.u16();
  r.skip(4);
  entry.crc = r.u32();
  entry.storedSize = r.u32(), entry.size = r.u32();
  uint16_t nameLength = r.u16(), extraLength = r.u16(), commentLength = r.u16(), disk = r.u16();
  r.skip(6);
  entry.headerOffset = r.u32();
  entry.name = r.text(nameLength);
  std::string_view extra = r.text(extraLength);
  r.skip(commentLength);
  if (!r.ok() || disk)
    return damaged("the directory ends early");
  if (flags & ~(utf8Flag | levelFlags))
    return makeError(ErrorKind::Unsupported, "encrypted or streamed zip entries are not supported");
  if (entry.method != 0 && entry.method != 8)
    return makeError(ErrorKind::Unsupported, "zip compression method ", entry.method,
                     " is not supported");
  ATTNC_CHECK(readExtra64(extra, {&entry.size, &entry.storedSize, &entry.headerOffset}));
  if (entry.method == 0 && entry.size != entry.storedSize)
    return damaged("a stored entry has two sizes");
  ATTNC_CHECK(checkLocal(file, entry, flags, directory));
  return entry;
}

} // namespace

Expected<ZipDirectory> readZip(Bytes file) {
  ATTNC_TRY(EndRecord end, findEnd(file));
  ZipDirectory out;
  out.comment = std::move(end.comment);
  ByteReader r(file.subspan(0, end.offset + end.size), end.offset);
  std::set<std::string_view> names;
  if (end.entries > end.size / 46) // before anything is reserved for them
    return damaged("the directory ends early");
  out.entries.reserve(end.entries);
  for (uint64_t i = 0; i < end.entries; ++i) {
    ATTNC_TRY(ZipEntry entry, readCentral(r, file, end.offset));
    out.entries.push_back(std::move(entry));
    if (!names.insert(out.entries.back().name).second)
      return damaged("a name occurs twice");
  }
  if (r.left())
    return damaged("bytes behind the directory");
  auto &entries = out.entries;
  std::sort(entries.begin(), entries.end(),
            [](auto &a, auto &b) { return a.headerOffset < b.headerOffset; });
  for (size_t i = 1; i < entries.size(); ++i)
    if (entries[i - 1].dataOffset + entries[i - 1].storedSize > entries[i].headerOffset)
      return damaged("entries overlap");
  return out;
}

Expected<ZipContent> readZipEntry(Bytes file, const ZipEntry &entry) {
  ZipContent out{file.subspan(entry.dataOffset, entry.storedSize), nullptr};
  if (entry.method == 8) {
#ifdef ATTNC_HAVE_ZLIB
    // Deflate shrinks at most 1032 times: a size beyond that is a lie, and is not allocated.
    if (entry.size / 1032 > entry.storedSize)
      return damaged("an entry's size is impossible");
    auto memory = allocateAligned(entry.size);
    if (!memory)
      return makeError(ErrorKind::Memory, "not enough memory for ", entry.size, " bytes");
    z_stream z{};
    if (entry.size >= UINT32_MAX || entry.storedSize >= UINT32_MAX)
      return makeError(ErrorKind::Unsupported, "compressed entries of 4 GiB are not supported");
    z.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(out.bytes.data()));
    z.avail_in = uInt(entry.storedSize);
    z.next_out = reinterpret_cast<Bytef *>(memory.get());
    z.avail_out = uInt(entry.size);
    int code = inflateInit2(&z, -MAX_WBITS);
    if (code == Z_OK) {
      code = inflate(&z, Z_FINISH);
      inflateEnd(&z);
    }
    if (code != Z_STREAM_END || z.total_out != entry.size)
      return damaged("an entry does not decompress");
    out.bytes = {memory.get(), entry.size};
    out.owner = std::move(memory);
#else
    return makeError(ErrorKind::Unsupported, "compressed npz is not supported by this build");
#endif
  }
  if (crc32(0, out.bytes) != entry.crc)
    return damaged("an entry's checksum differs");
  return out;
}

} // namespace attnc
