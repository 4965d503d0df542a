// One status line on a terminal, rewritten in place; nothing in a pipe.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace attnc {

class Progress {
public:
  /// Shows on standard error, if that is a terminal and TERM is not "dumb".
  Progress();
  /// Removes the line.
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Replaces the line; at most some ten times a second, so it may be called in a loop.
  void show(std::string_view text);
  /// "[3/12] text".
  void show(size_t done, size_t all, std::string_view text);
  /// Removes the line, before something else is printed; what is shown next appears at once.
  void clear();

private:
  bool enabled = false, shown = false;
  std::chrono::steady_clock::time_point next{};
};

} // namespace attnc
