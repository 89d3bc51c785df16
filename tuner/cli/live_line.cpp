#include "tuner/cli/live_line.h"

#include <unistd.h>

#include <cstdio>

#include "fmt/format.h"

namespace halyard {

LiveLine::LiveLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

LiveLine::~LiveLine() {
  if (live_) fmt::print(stderr, "\r\033[K");
}

void LiveLine::Show(const std::string& line, bool always) {
  const auto now = std::chrono::steady_clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (!always && since < (terminal_ ? 0.1 : 10)) return;
  shown_ = now;
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{:.79}", line);
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  live_ = terminal_;
  std::fflush(stderr);
}

}  // namespace halyard
