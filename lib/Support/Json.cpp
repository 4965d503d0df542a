#include "attnc/Support/Json.h"
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

namespace attnc {

Expected<nlohmann::json> parseJson(std::string_view text, std::string_view what) {
  using Parser = nlohmann::json;
  constexpr int maxDepth = 32;
  std::vector<std::set<std::string>> keys; // of the objects that are open
  std::string problem;
  auto watch = [&](int depth, Parser::parse_event_t event, Parser &parsed) {
    if (!problem.empty())
      return false;
    if (depth > maxDepth) {
      problem = "nests too deeply";
      return false;
    }
    if (event == Parser::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Parser::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Parser::parse_event_t::key &&
             !keys.back().insert(parsed.get_ref<const std::string &>()).second)
      problem = "has the same key twice";
    return problem.empty();
  };
  Parser value = Parser::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!problem.empty())
    return makeError(ErrorKind::Format, what, " ", problem);
  if (value.is_discarded())
    return makeError(ErrorKind::Format, what, " is not valid JSON");
  return value;
}

void JsonWriter::newLine() {
  out += '\n';
  out.append(levels.size() * 2, ' ');
}

/// What stands before a value or a key: a comma, a new line, or nothing after a key.
void JsonWriter::separate() {
  if (std::exchange(afterKey, false) || levels.empty())
    return;
  Level &level = levels.back();
  if (!level.empty)
    out += level.inl ? ", " : ",";
  if (!level.inl)
    newLine();
  level.empty = false;
}

JsonWriter &JsonWriter::begin(char bracket, bool inl) {
  separate();
  out += bracket;
  levels.push_back({inl || (!levels.empty() && levels.back().inl), true});
  return *this;
}

JsonWriter &JsonWriter::end(char bracket) {
  Level level = levels.back();
  levels.pop_back();
  if (!level.inl && !level.empty)
    newLine();
  out += bracket;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
  separate();
  quoted(name);
  out += ": ";
  afterKey = true;
  return *this;
}

JsonWriter &JsonWriter::value(std::string_view text) {
  separate();
  quoted(text);
  return *this;
}

JsonWriter &JsonWriter::value(int64_t number) {
  separate();
  out += std::to_string(number);
  return *this;
}

JsonWriter &JsonWriter::value(uint64_t number) {
  separate();
  out += std::to_string(number);
  return *this;
}

JsonWriter &JsonWriter::value(double number) {
  if (!std::isfinite(number))
    return null();
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", number);
  separate();
  out += text;
  return *this;
}

JsonWriter &JsonWriter::value(bool flag) {
  separate();
  out += flag ? "true" : "false";
  return *this;
}

JsonWriter &JsonWriter::null() {
  separate();
  out += "null";
  return *this;
}

void JsonWriter::quoted(std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", unsigned(c));
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

} // namespace attnc
