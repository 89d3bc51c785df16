// The final: the best few of a search, the baseline, the best of each algorithm and a peer measured
// again side by side, so that the winner is not the luckiest of many noisy screenings.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/tune_loop.h"

namespace halyard {

// Message of the records of a final, or what it begins with; its winner's phase is "final", the
// others' "screening".
inline constexpr char kFinalMessage[] = "interleaved final";
// What follows it in the record of a finalist whose answer was wrong this time.
inline constexpr char kWrongAgain[] = ": wrong when run again beside others";

struct Finalist {
  std::string label;     // "winner", "baseline", "best unfused", "Halide Adams2019", "#2" ...
  Config config;         // empty for a peer
  double screening = 0;  // value in the search, 0 where there is none
  std::vector<double> samples;  // of the final, paired by round; empty on a virtual board
  // Final median where there is one, otherwise the screening's value.
  double value() const;
};

struct FinalResult {
  Config winner;
  double winner_value = 0;
  Config baseline;
  double baseline_value = 0;    // 0: the baseline did not run
  std::vector<Finalist> table;  // best first, without those that were wrong the second time
  std::string peer_failed;      // why a peer that was asked for is not in the table
  int rounds = 0;
  int64_t winner_record = 0;  // id in the log
};

// Of an even number the upper one, which was measured. REQUIRES: not empty.
double MedianSample(std::vector<double> values);

// Confidence interval (95 %) of the geometric mean of a[i] / b[i], by the t distribution on the
// logs of the paired ratios.
struct RatioInterval {
  double mean, low, high;
};
RatioInterval PairedRatio(const std::vector<double>& a, const std::vector<double>& b);

// The candidate to ship: starts from the best of the screening and moves on only where the whole
// interval says at least `worthwhile` faster. `times[0]` is the screening's best.
size_t ChooseWinner(const std::vector<std::vector<double>>& times, double worthwhile = 0.01);

// Leaves out finalists, the best and the baseline last, until those that are left and `peers` more
// fit the board: each has tensors of its own there, where a run may take half of the memory, its
// threads and code included. Two stay in any case.
void DropWhatDoesNotFit(const Task& task, size_t peers, std::vector<Finalist>& finalists);

// REQUIRES: search.best() != nullptr. Takes about `seconds` at most. On a virtual board, whose
// counts do not vary, nothing is run again. Internal: every finalist was wrong when run again,
// which the log has then.
absl::StatusOr<FinalResult> RunFinal(const Workbench& bench, const SearchResult& search,
                                     double seconds, SearchObserver& observer);

}  // namespace halyard
