// Digests (XXH3, 128 bits, as 32 hexadecimal digits) against damage, and the CRC-32 of zip files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace attnc {

inline constexpr size_t digestLength = 32;

std::string digestOf(std::span<const std::byte> bytes);
std::string digestOf(std::string_view text);
/// True for 32 lower case hexadecimal digits.
bool isDigest(std::string_view text);

/// The digest of bytes that come in pieces.
class DigestStream {
public:
  DigestStream();
  ~DigestStream();
  DigestStream(DigestStream &&) noexcept;
  DigestStream &operator=(DigestStream &&) noexcept;
  void add(std::span<const std::byte> bytes);
  std::string digest() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

/// Continues the CRC-32 `crc` (0 at the beginning) over `bytes`.
uint32_t crc32(uint32_t crc, std::span<const std::byte> bytes);

} // namespace attnc
