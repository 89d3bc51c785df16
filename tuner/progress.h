// What a person sees while a search runs: one live line on a terminal, a plain line now and then
// otherwise. Always on stderr; stdout is for results.
#pragma once

#include <string>

#include "tuner/live_display.h"
#include "tuner/roofline.h"
#include "tuner/tune_loop.h"

namespace halyard {

class Progress final : public SearchObserver {
 public:
  Progress(const TuneOptions& options, const Roofline& roofline, double time_budget_seconds);

  void OnPhase(const std::string& what) override;
  void OnTrial(const SearchResult& so_far) override;
  // Ends the live line, so that what is printed next starts on its own.
  void Finish() { line_.Finish(); }

 private:
  void Show(bool force);

  const TuneOptions& options_;
  const Roofline roofline_;
  const double time_budget_seconds_;
  std::string phase_;
  std::string trials_text_;
  LiveDisplay line_;
};

}  // namespace halyard
