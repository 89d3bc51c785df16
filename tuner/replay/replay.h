// Replaying: searches on recorded spaces, with a table where a board would be. The search is the
// real one, tuner/search_core.h; only its measurements are looked up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cost_model/base_model.h"
#include "logs/recorded_space.h"
#include "tuner/search_core.h"

namespace halyard {

struct ReplayOptions {
  std::vector<std::string> strategies;  // of ReplayStrategies()
  int seeds = 20;                       // 1, 2, ... this many
  int trials = 256;                     // budget of one search
  // What the cost models of our strategies start from, one a space; empty: from scratch. One
  // trained on a recorded task knows the answer: held_out_models.h makes those that do not.
  std::vector<std::shared_ptr<const BaseModel>> base_models;
};

// Those of StrategyNames() and `classic`.
std::vector<std::string> ReplayStrategies();

// Reads the files and binds them to this program's spaces; errors as ReadRecordedSpace's and
// BindRecordedSpace's.
absl::StatusOr<std::vector<RecordedTask>> LoadRecordedTasks(const std::vector<std::string>& files);

// A search as MakeSearchCore makes it, or the classic one. REQUIRES: `strategy` is one of
// ReplayStrategies().
std::unique_ptr<SearchCore> MakeReplayCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, SearchLimits limits,
                                           std::shared_ptr<const BaseModel> base);

// The lowest value after each trial; infinite before the first that is ok. A search that stopped
// before its budget keeps its last value for the rest.
using Curve = std::vector<double>;

// Calls job(0), job(1), ... job(jobs - 1) on `threads` threads, each of which has no OpenMP threads
// beside itself, so none takes the other cores.
void DealJobs(size_t jobs, int threads, const std::function<void(size_t)>& job);

// One search, to the end of its budget however little is expected. The same arguments give the same
// curve. Uses OpenMP's threads of the caller, and no random numbers, clock or file. REQUIRES:
// `strategy` is one of ReplayStrategies().
Curve ReplaySearch(const RecordedTask& recorded, const std::string& strategy, uint64_t seed,
                   int trials, std::shared_ptr<const BaseModel> base = nullptr);

// curves[space][strategy][seed - 1]. Searches are dealt to `threads` threads, each search to one;
// their number does not show in the result.
std::vector<std::vector<std::vector<Curve>>> ReplayAll(const std::vector<RecordedTask>& spaces,
                                                       const ReplayOptions& options, int threads);

}  // namespace halyard
