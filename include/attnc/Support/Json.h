// JSON: hostile text in (nlohmann's parser, no exceptions), text that people can read out.
#pragma once

#include "attnc/Support/Expected.h"
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace attnc {

/// Parses; refuses duplicate keys, nesting deeper than 32, and anything after the value.
/// `what` names the text in messages.
Expected<nlohmann::json> parseJson(std::string_view text, std::string_view what);

/// Writes JSON in the order of the calls. A list or object made `inl`ine stays on one line.
class JsonWriter {
public:
  JsonWriter &beginObject(bool inl = false) { return begin('{', inl); }
  JsonWriter &endObject() { return end('}'); }
  JsonWriter &beginList(bool inl = false) { return begin('[', inl); }
  JsonWriter &endList() { return end(']'); }
  JsonWriter &key(std::string_view name);
  JsonWriter &value(std::string_view text);
  JsonWriter &value(const char *text) { return value(std::string_view(text)); }
  JsonWriter &value(const std::string &text) { return value(std::string_view(text)); }
  JsonWriter &value(int64_t number);
  JsonWriter &value(uint64_t number);
  JsonWriter &value(int number) { return value(int64_t(number)); }
  JsonWriter &value(double number); ///< six significant digits; null if it is none
  JsonWriter &value(bool flag);
  JsonWriter &null();
  /// key and value in one.
  template <class T> JsonWriter &field(std::string_view name, const T &v) { return key(name).value(v); }

  std::string take() { return std::move(out); }

private:
  struct Level {
    bool inl;
    bool empty;
  };
  JsonWriter &begin(char bracket, bool inl);
  JsonWriter &end(char bracket);
  void separate();
  void newLine();
  void quoted(std::string_view text);

  std::string out;
  std::vector<Level> levels;
  bool afterKey = false;
};

} // namespace attnc
