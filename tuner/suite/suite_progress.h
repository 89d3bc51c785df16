// What a person sees while a suite runs, always on stderr: on a terminal a table that is rewritten
// in place, plain lines otherwise, and a line that stays for each task that is finished.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tuner/live_display.h"
#include "tuner/suite/suite.h"

namespace halyard {

// What the display knows of a member.
struct MemberStanding {
  std::string device, task;
  double weight = 1;
  int trials = 0, resumed = 0;
  double best_ms = 0, safe_ms = 0;  // of one call; 0: none yet
  double expected = 0;              // relative gain of kForecastTrials more
  std::string phase;                // "measuring"; "": nothing at the moment
  bool finished = false;
};

struct SuiteStanding {
  std::vector<MemberStanding> members;
  SuiteBudget budget;
  double seconds = 0;  // since the search began
};

// One line, the most telling first.
std::string SuiteLine(const SuiteStanding& s);
// `rows` lines at most, each of `columns` at most: what is worked on, then what may still gain
// most. REQUIRES: rows >= 5, columns >= 79.
std::vector<std::string> SuiteTable(const SuiteStanding& s, size_t rows, size_t columns);

class SuiteProgress final : public SuiteObserver {
 public:
  // `members` must outlive it. `after_batch`: for who keeps accounts.
  SuiteProgress(const std::vector<SuiteMember>& members, const SuiteBudget& budget,
                std::function<void()> after_batch);

  void OnPhase(size_t member, const std::string& what) override;
  void OnTrial(size_t member, const SearchResult& so_far) override;
  void OnBatch(size_t member) override;
  void OnFinished(size_t member, const std::string& why) override;
  // What is done after the searches: one line, of no member.
  void Show(const std::string& what);
  void Finish() { display_.Finish(); }

 private:
  void Redraw(bool force);

  const std::vector<SuiteMember>& members_;
  const std::chrono::steady_clock::time_point begin_;
  SuiteStanding standing_;
  const std::function<void()> after_batch_;
  LiveDisplay display_;
};

}  // namespace halyard
