#include "tuner/live_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "fmt/format.h"

namespace halyard {
namespace {

constexpr size_t kFewestRows = 5, kFewestColumns = 79;

struct TerminalSize {
  size_t rows = 24, columns = 80;
};

TerminalSize SizeOfTerminal() {
  TerminalSize size;
  winsize told{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &told) != 0) return size;
  if (told.ws_row > 0) size.rows = told.ws_row;
  if (told.ws_col > 0) size.columns = told.ws_col;
  return size;
}

}  // namespace

LiveDisplay::LiveDisplay() : terminal_(isatty(STDERR_FILENO) != 0) {}

LiveDisplay::~LiveDisplay() { Finish(); }

bool LiveDisplay::IsDue(bool force) {
  const auto now = std::chrono::steady_clock::now();
  const double since = std::chrono::duration<double>(now - shown_).count();
  if (!force && since < (terminal_ ? 0.1 : 10)) return false;
  shown_ = now;
  return true;
}

void LiveDisplay::Show(const std::string& text, bool force) {
  if (!IsDue(force)) return;
  if (terminal_) {
    Draw({text});
  } else {
    fmt::print(stderr, "{}\n", text);
  }
}

void LiveDisplay::Show(const Table& table, const std::function<std::string()>& text, bool force) {
  if (!IsDue(force)) return;
  if (!terminal_) {
    fmt::print(stderr, "{}\n", text());
    return;
  }
  const TerminalSize size = SizeOfTerminal();
  // A line for the cursor, and one of the command that was typed.
  const size_t rows = size.rows > kFewestRows + 2 ? size.rows - 2 : kFewestRows;
  Draw(table(rows, std::max(size.columns - 1, kFewestColumns)));
}

// In one write: what is half drawn flickers.
void LiveDisplay::Draw(const std::vector<std::string>& lines) {
  const size_t columns = SizeOfTerminal().columns;
  std::string frame = drawn_ > 1 ? fmt::format("\r\033[{}A\033[J", drawn_ - 1) : "\r\033[J";
  for (size_t i = 0; i < lines.size(); i++) {
    // A line that wrapped would be two, and be left behind.
    frame += (i > 0 ? "\n" : "") + lines[i].substr(0, columns - 1);
  }
  fmt::print(stderr, "{}", frame);
  std::fflush(stderr);
  drawn_ = lines.size();
}

void LiveDisplay::Print(const std::string& text) {
  Finish();
  fmt::print(stderr, "{}\n", text);
}

void LiveDisplay::Finish() {
  if (drawn_ > 0) Draw({""});
  if (drawn_ > 0) fmt::print(stderr, "\r");
  drawn_ = 0;
}

}  // namespace halyard
