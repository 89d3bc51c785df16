// What a person sees on stderr while something long runs: one line that is rewritten on a terminal,
// a plain line now and then otherwise.
#pragma once

#include <chrono>
#include <string>

namespace halyard {

// Not thread-safe.
class LiveLine {
 public:
  LiveLine();
  ~LiveLine();

  // Ten times a second at most on a terminal, where the end of what does not fit is cut off, and
  // every ten seconds otherwise; `force` shows it in any case.
  void Show(const std::string& text, bool force = false);
  // A line that stays.
  void Print(const std::string& text);
  // Takes the live line away, so that what is printed next starts on its own.
  void Finish();

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point shown_;
  bool live_ = false;
};

}  // namespace halyard
