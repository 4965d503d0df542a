#include "attnc/Support/Digest.h"
#include <algorithm>
#include <array>
#include <cstring>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace attnc {
namespace {

std::string hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::string out;
  for (unsigned char byte : canonical.digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

/// tables[k][b]: the effect of byte b followed by k zero bytes (eight bytes a step).
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;
constexpr CrcTables makeCrcTables() {
  CrcTables tables{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit)
      crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    tables[0][b] = crc;
  }
  for (size_t k = 1; k < 8; ++k)
    for (size_t b = 0; b < 256; ++b)
      tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
  return tables;
}
constexpr CrcTables crcTables = makeCrcTables();

} // namespace

std::string digestOf(std::span<const std::byte> bytes) {
  return hex(XXH3_128bits(bytes.data(), bytes.size()));
}
std::string digestOf(std::string_view text) { return digestOf(std::as_bytes(std::span(text))); }

bool isDigest(std::string_view text) {
  return text.size() == digestLength && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct DigestStream::State {
  XXH3_state_t hash;
};
DigestStream::DigestStream() : state(new State) { XXH3_128bits_reset(&state->hash); }
DigestStream::~DigestStream() = default;
DigestStream::DigestStream(DigestStream &&) noexcept = default;
DigestStream &DigestStream::operator=(DigestStream &&) noexcept = default;
void DigestStream::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state->hash, bytes.data(), bytes.size());
}
std::string DigestStream::digest() const { return hex(XXH3_128bits_digest(&state->hash)); }

uint32_t crc32(uint32_t crc, std::span<const std::byte> bytes) {
  crc = ~crc;
  auto *at = reinterpret_cast<const unsigned char *>(bytes.data());
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint32_t low, high;
    std::memcpy(&low, at, 4);
    std::memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = crcTables[7][low & 255] ^ crcTables[6][low >> 8 & 255] ^ crcTables[5][low >> 16 & 255] ^
          crcTables[4][low >> 24] ^ crcTables[3][high & 255] ^ crcTables[2][high >> 8 & 255] ^
          crcTables[1][high >> 16 & 255] ^ crcTables[0][high >> 24];
  }
  for (; left; ++at, --left)
    crc = crc >> 8 ^ crcTables[0][(crc ^ *at) & 255];
  return ~crc;
}

} // namespace attnc
