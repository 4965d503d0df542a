#include "attnc/Support/Progress.h"
#include "attnc/Support/Expected.h"
#include "attnc/Support/Text.h"
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

namespace attnc {

Progress::Progress() {
  const char *term = std::getenv("TERM");
  enabled = isatty(STDERR_FILENO) && term && std::string_view(term) != "dumb";
}

Progress::~Progress() { clear(); }

void Progress::show(std::string_view text) {
  auto now = std::chrono::steady_clock::now();
  if (!enabled || now < next)
    return;
  next = now + std::chrono::milliseconds(100);
  size_t width = terminalWidth(STDERR_FILENO);
  std::fprintf(stderr, "\r\033[K%s", cutToWidth(text, width ? width - 1 : 79).c_str());
  std::fflush(stderr);
  shown = true;
}

void Progress::show(size_t done, size_t all, std::string_view text) {
  if (enabled)
    show(concat("[", done, "/", all, "] ", text));
}

void Progress::clear() {
  next = {};
  if (!shown)
    return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  shown = false;
}

} // namespace attnc
