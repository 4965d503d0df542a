// Text for people: aligned tables, byte sizes, lists of names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace attnc {

/// "812 B", "3.4 KiB", "1.2 GiB".
std::string humanBytes(uint64_t bytes);
/// "'a', 'b' and 'c'"; "none" when empty; ends in "…" after `most` names.
std::string quotedList(const std::vector<std::string> &names, size_t most = 12);
/// Columns on a terminal, counting a UTF-8 character as one.
size_t displayWidth(std::string_view text);
/// `text` cut to `width` columns, its end replaced by "…".
std::string cutToWidth(std::string_view text, size_t width);
/// Columns of the terminal behind a file descriptor; 0 when it is none.
size_t terminalWidth(int file);

/// Rows under a heading; every column as wide as its widest cell.
class Table {
public:
  enum class Align {
    Left,
    Right
  };
  struct Column {
    std::string heading;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns) : columns(std::move(columns)) {}
  void add(std::vector<std::string> cells);
  bool empty() const { return rows.empty(); }
  /// Lines indented by `indent`; cut to `width` columns unless that is 0.
  std::string text(size_t indent = 0, size_t width = 0) const;

private:
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

} // namespace attnc
