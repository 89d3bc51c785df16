#include "tuner/replay/replay.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "tuner/replay/classic.h"

namespace halyard {
namespace {

constexpr char kClassic[] = "classic";

}  // namespace

absl::StatusOr<std::vector<RecordedTask>> LoadRecordedTasks(const std::vector<std::string>& files) {
  std::vector<RecordedTask> spaces;
  for (const std::string& file : files) {
    const auto space = ReadRecordedSpace(file);
    if (!space.ok()) return space.status();
    auto bound = BindRecordedSpace(*space, file);
    if (!bound.ok()) return bound.status();
    spaces.push_back(*std::move(bound));
  }
  return spaces;
}

std::unique_ptr<SearchCore> MakeReplayCore(const Task& task, const std::string& strategy,
                                           uint64_t seed, SearchLimits limits,
                                           std::shared_ptr<const BaseModel> base) {
  if (strategy != kClassic) return MakeSearchCore(task, strategy, seed, limits, std::move(base));
  return std::make_unique<SearchCore>(task, MakeClassicSearch(seed), MakeClassicGuide(task, seed),
                                      limits);
}

std::vector<std::string> ReplayStrategies() {
  std::vector<std::string> names = StrategyNames();
  names.push_back(kClassic);
  return names;
}

void DealJobs(size_t jobs, int threads, const std::function<void(size_t)>& job) {
  std::atomic<size_t> next{0};
  const auto work = [&] {
    omp_set_num_threads(1);
    for (size_t j; (j = next++) < jobs;) job(j);
  };
  std::vector<std::thread> workers;
  for (int t = 0; t < threads; t++) workers.emplace_back(work);
  for (std::thread& w : workers) w.join();
}

Curve ReplaySearch(const RecordedTask& recorded, const std::string& strategy, uint64_t seed,
                   int trials, std::shared_ptr<const BaseModel> base) {
  const auto core = MakeReplayCore(recorded.task, strategy, seed, {trials}, std::move(base));
  const auto measure = [&](const std::vector<Config>& configs) {
    for (const Config& c : configs) {
      const RecordedResult& r = recorded.at(c);
      core->Add(c, r.outcome == Outcome::kOk, r.value);
    }
    return absl::OkStatus();
  };
  // Neither stops early nor fails: there is no clock and no board.
  (void)core->Run([] { return std::string(); }, measure);

  Curve curve;
  double best = std::numeric_limits<double>::infinity();
  for (const Trial& t : core->trials()) {
    if (t.ok) best = std::min(best, t.value);
    curve.push_back(best);
  }
  curve.resize(static_cast<size_t>(trials), best);
  return curve;
}

std::vector<std::vector<std::vector<Curve>>> ReplayAll(const std::vector<RecordedTask>& spaces,
                                                       const ReplayOptions& options, int threads) {
  const size_t strategies = options.strategies.size();
  const auto seeds = static_cast<size_t>(options.seeds);
  std::vector<std::vector<std::vector<Curve>>> curves(
      spaces.size(), std::vector<std::vector<Curve>>(strategies, std::vector<Curve>(seeds)));
  DealJobs(spaces.size() * strategies * seeds, threads, [&](size_t job) {
    const size_t seed = job % seeds, strategy = job / seeds % strategies;
    const size_t space = job / seeds / strategies;
    curves[space][strategy][seed] =
        ReplaySearch(spaces[space], options.strategies[strategy], seed + 1, options.trials,
                     options.base_models.empty() ? nullptr : options.base_models[space]);
  });
  return curves;
}

}  // namespace halyard
