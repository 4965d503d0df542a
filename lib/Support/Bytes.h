// Little-endian numbers in hostile bytes: reading behind the end gives 0 and is remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace attnc {

class ByteReader {
public:
  explicit ByteReader(std::span<const std::byte> bytes, uint64_t at = 0) : bytes(bytes), at(at) {}

  uint16_t u16() { return number<uint16_t>(); }
  uint32_t u32() { return number<uint32_t>(); }
  uint64_t u64() { return number<uint64_t>(); }
  std::string_view text(uint64_t length) {
    if (!fits(length))
      return {};
    auto *start = reinterpret_cast<const char *>(bytes.data()) + at;
    at += length;
    return {start, size_t(length)};
  }
  void skip(uint64_t length) {
    if (fits(length))
      at += length;
  }
  uint64_t offset() const { return at; }
  uint64_t left() const { return at <= bytes.size() ? bytes.size() - at : 0; }
  bool ok() const { return good; }

private:
  bool fits(uint64_t length) {
    if (at > bytes.size() || length > bytes.size() - at)
      good = false;
    return good;
  }
  template <class T> T number() {
    T value = 0;
    if (!fits(sizeof value))
      return 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    at += sizeof value;
    return value;
  }

  std::span<const std::byte> bytes;
  uint64_t at;
  bool good = true;
};

/// Appends little-endian numbers to a string.
class ByteWriter {
public:
  ByteWriter &u16(uint64_t value) { return number(value, 2); }
  ByteWriter &u32(uint64_t value) { return number(value, 4); }
  ByteWriter &u64(uint64_t value) { return number(value, 8); }
  ByteWriter &text(std::string_view text) {
    out += text;
    return *this;
  }
  ByteWriter &zeros(size_t count) {
    out.append(count, '\0');
    return *this;
  }
  std::string out;

private:
  ByteWriter &number(uint64_t value, int size) {
    for (int i = 0; i < size; ++i)
      out += char(value >> 8 * i & 255);
    return *this;
  }
};

} // namespace attnc
