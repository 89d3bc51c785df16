#include "tuner/live_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"

namespace halyard {
namespace {

size_t TerminalColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

LiveLine::LiveLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

LiveLine::~LiveLine() { Finish(); }

void LiveLine::Show(const std::string& text, bool force) {
  const auto now = std::chrono::steady_clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (!force && since < (terminal_ ? 0.1 : 10)) return;
  shown_ = now;
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", text.substr(0, TerminalColumns() - 1));
    std::fflush(stderr);
    live_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void LiveLine::Print(const std::string& text) {
  Finish();
  fmt::print(stderr, "{}\n", text);
}

void LiveLine::Finish() {
  if (live_) fmt::print(stderr, "\r\033[K");
  live_ = false;
}

}  // namespace halyard
