// A command's progress on stderr: one line that is written over on a terminal, plain lines now and
// then otherwise.
#pragma once

#include <chrono>
#include <string>

namespace halyard {

// Not thread-safe. Clears the line when it goes.
class LiveLine {
 public:
  LiveLine();
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  // Unless `always`, at most ten times a second on a terminal and every ten seconds otherwise.
  void Show(const std::string& line, bool always = false);

 private:
  const bool terminal_;
  std::chrono::steady_clock::time_point shown_;
  bool live_ = false;
};

}  // namespace halyard
