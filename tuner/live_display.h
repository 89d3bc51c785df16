// What a person sees on stderr while something long runs: lines that are rewritten on a terminal, a
// plain line now and then otherwise.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace halyard {

// Not thread-safe.
class LiveDisplay {
 public:
  LiveDisplay();
  ~LiveDisplay();

  // Ten times a second at most on a terminal, where the end of what does not fit is cut off, and
  // every ten seconds otherwise; `force` shows it in any case.
  void Show(const std::string& text, bool force = false);
  // The same where a terminal has room for more: `table` gives as many lines as it is told there
  // are rows, each of as many columns, at most; `text` is for what is no terminal.
  using Table = std::function<std::vector<std::string>(size_t rows, size_t columns)>;
  void Show(const Table& table, const std::function<std::string()>& text, bool force = false);
  // A line that stays.
  void Print(const std::string& text);
  // Takes away what is live, so that what is printed next starts on its own.
  void Finish();

 private:
  bool IsDue(bool force);
  void Draw(const std::vector<std::string>& lines);

  const bool terminal_;
  std::chrono::steady_clock::time_point shown_;
  size_t drawn_ = 0;  // lines on the terminal that are live
};

}  // namespace halyard
