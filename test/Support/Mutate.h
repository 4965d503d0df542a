// Random damage: flipped bytes, cut ends, bytes put in or taken out, numbers at their limits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

inline std::string mutate(std::string bytes, std::mt19937_64 &random, size_t firstBytes = SIZE_MAX) {
  int times = 1 + int(random() % 3);
  for (int i = 0; i < times && !bytes.empty(); ++i) {
    size_t at = random() % std::min(bytes.size(), firstBytes);
    switch (random() % 7) {
    case 0: bytes[at] = char(random()); break;
    case 1: bytes[at] ^= char(1 << random() % 8); break;
    case 2: bytes.resize(at); break;
    case 3: bytes.insert(at, random() % 9, char(random())); break;
    case 4: bytes.erase(at, random() % 9); break;
    case 5: { // a limit where a number may be
      uint64_t limits[] = {0, UINT64_MAX, INT64_MAX, uint64_t(INT64_MAX) + 1, UINT32_MAX, 0x7fffffff, 0xffff, bytes.size()};
      uint64_t value = limits[random() % 8];
      std::memcpy(&bytes[at], &value, std::min<size_t>(bytes.size() - at, size_t(1) << random() % 4));
      break;
    }
    default: // a part in the place of another
      bytes.replace(at, random() % 33, bytes.substr(random() % bytes.size(), random() % 33));
    }
  }
  return bytes;
}

/// A number, a name or a whole line of JSON text in the place of another: more often valid than noise.
inline std::string mutateJson(std::string text, std::mt19937_64 &random) {
  auto spanAt = [&](size_t &at, size_t &length) {
    at = text.find_first_of("0123456789\"tfn", random() % text.size());
    if (at == std::string::npos)
      at = text.find_first_of("0123456789");
    length = text[at] == '"' ? text.find('"', at + 1) + 1 - at : text.find_first_of(",]} \n", at) - at;
    length = std::min(length, text.size() - at);
  };
  static const char *values[] = {"0", "1", "-1", "2", "5", "64", "4096", "9223372036854775807", "1e99", "null", "true",
                                 "\"B\"", "\"C\"", "\"f32\"", "\"i64\"", "\"\"", "[]", "{}", "281474976710656"};
  int times = 1 + int(random() % 2);
  for (int i = 0; i < times; ++i) {
    size_t at, length, from, fromLength;
    spanAt(at, length);
    if (random() % 2) {
      text.replace(at, length, values[random() % (sizeof values / sizeof *values)]);
      continue;
    }
    spanAt(from, fromLength);
    std::string part = text.substr(from, fromLength);
    text.replace(at, length, part);
  }
  return text;
}
