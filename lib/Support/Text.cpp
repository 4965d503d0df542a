#include "attnc/Support/Text.h"
#include "attnc/Support/Expected.h"
#include <algorithm>
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

namespace attnc {

std::string humanBytes(uint64_t bytes) {
  if (bytes < 1024)
    return concat(bytes, " B");
  static constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = double(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1023.95 && unit < 5; ++unit)
    value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, units[unit]);
  return text;
}

std::string quotedList(const std::vector<std::string> &names, size_t most) {
  if (names.empty())
    return "none";
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i == most)
      return out + ", …";
    if (i)
      out += i + 1 == names.size() ? " and " : ", ";
    out += concat("'", names[i], "'");
  }
  return out;
}

size_t displayWidth(std::string_view text) {
  return size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cutToWidth(std::string_view text, size_t width) {
  if (displayWidth(text) <= width)
    return std::string(text);
  size_t at = 0;
  for (size_t columns = 0; at < text.size(); ++at)
    if ((text[at] & 0xC0) != 0x80 && ++columns == width)
      break;
  return concat(text.substr(0, at), width ? "…" : "");
}

size_t terminalWidth(int file) {
  winsize size{};
  if (!isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0)
    return 0;
  return size.ws_col ? size.ws_col : 80;
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(columns.size());
  rows.push_back(std::move(cells));
}

std::string Table::text(size_t indent, size_t width) const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns.size(); ++c) {
    widths.push_back(displayWidth(columns[c].heading));
    for (auto &row : rows)
      widths[c] = std::max(widths[c], displayWidth(row[c]));
  }
  std::string out;
  auto addLine = [&](auto cellOf) {
    std::string line(indent, ' ');
    for (size_t c = 0; c < columns.size(); ++c) {
      const std::string &cell = cellOf(c);
      std::string padding(widths[c] - displayWidth(cell), ' ');
      line += c ? "  " : "";
      line += columns[c].align == Align::Right ? padding + cell : cell + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += (width ? cutToWidth(line, width) : line) + '\n';
  };
  addLine([&](size_t c) -> const std::string & { return columns[c].heading; });
  for (auto &row : rows)
    addLine([&](size_t c) -> const std::string & { return row[c]; });
  return out;
}

} // namespace attnc
