// What a person sees while a suite runs: one live line on a terminal, plain lines otherwise, and a
// line that stays for each task that is finished. Always on stderr.
#pragma once

#include <string>
#include <vector>

#include "tuner/live_line.h"
#include "tuner/suite.h"

namespace halyard {

class SuiteProgress final : public SuiteObserver {
 public:
  // `members` must outlive it.
  SuiteProgress(const std::vector<SuiteMember>& members, const SuiteBudget& budget);

  void OnMember(size_t member) override { member_ = member; }
  void OnPhase(const std::string& what) override;
  void OnTrial(const SearchResult& so_far) override;
  void OnFinished(size_t member, const std::string& why) override;
  void Finish() { line_.Finish(); }

 private:
  struct Standing {
    int trials = 0, resumed = 0;
    double best_ms = 0, safe_ms = 0;  // 0: none yet
  };
  std::string Line() const;

  const std::vector<SuiteMember>& members_;
  const SuiteBudget budget_;
  const std::chrono::steady_clock::time_point begin_;
  std::vector<Standing> standings_;
  size_t member_ = 0, finished_ = 0;
  std::string phase_;
  LiveLine line_;
};

}  // namespace halyard
