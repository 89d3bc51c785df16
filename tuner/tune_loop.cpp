#include "tuner/tune_loop.h"

#include <chrono>

#include "fmt/format.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

std::string MaskDigits(std::string message) {
  std::string masked;
  for (char c : message) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) masked += c;
    if (digit && (masked.empty() || masked.back() != '#')) masked += '#';
  }
  return masked;
}

void Count(SearchResult& result, Outcome outcome, const std::string& message) {
  result.outcomes[outcome]++;
  if (outcome != Outcome::kOk) {
    result.failures[std::string(OutcomeName(outcome)) + ": " + MaskDigits(message)]++;
  }
}

// Takes what earlier runs logged of this task, so that nothing is measured twice.
absl::Status Resume(const Workbench& bench, SearchCore& core, SearchResult& result) {
  const auto logged = LoggedTrials(bench.log, bench.task);
  if (!logged.ok()) return logged.status();
  for (const auto& [config, record] : *logged) {
    const bool ok = record.outcome == Outcome::kOk;
    if (!core.Resume(config, ok, ok ? record.value() : 0)) continue;
    Count(result, record.outcome, record.message);
    result.resumed++;
  }
  result.trials = core.trials();
  return absl::OkStatus();
}

}  // namespace

const Trial* SearchResult::best() const { return BestTrial(trials); }

absl::StatusOr<SearchResult> Search(const Workbench& bench, double time_budget_seconds,
                                    SearchObserver& observer) {
  const auto begin = Clock::now();
  const auto core = MakeSearchCore(bench.task, bench.options.strategy, bench.options.seed,
                                   bench.options.trials, bench.base_model);
  TrialRunner runner(bench);
  SearchResult result;
  if (auto s = Resume(bench, *core, result); !s.ok()) return s;
  observer.OnTrial(result);

  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  auto why_stop = [&]() -> std::string {
    if (bench.interrupted) return "interrupted";
    return elapsed() >= time_budget_seconds ? "time budget used" : "";
  };
  auto measure = [&](const std::vector<Config>& configs) -> absl::Status {
    observer.OnPhase(fmt::format("building {}", configs.size()));
    const std::vector<BuildResult> built = runner.Build(configs);
    for (size_t i = 0; i < configs.size() && why_stop().empty(); i++) {
      observer.OnPhase("measuring");
      TimingPolicy policy;
      if (const Trial* best = core->best()) policy.incumbent_ns = best->value;
      const auto record = runner.Measure(configs[i], built[i], policy);
      if (!record.ok()) return record.status();

      const bool ok = record->outcome == Outcome::kOk;
      core->Add(configs[i], ok, ok ? record->value() : 0);
      if (ok) result.artifacts[bench.task.space.index_of(configs[i])] = built[i];
      Count(result, record->outcome, record->message);
      result.trials = core->trials();
      result.seconds = elapsed();
      result.correlation = core->correlation();
      observer.OnTrial(result);
    }
    return absl::OkStatus();
  };
  auto stopped = core->Run(why_stop, measure);
  if (!stopped.ok()) return stopped.status();
  result.stopped_because = *std::move(stopped);
  result.seconds = elapsed();
  result.correlation = core->correlation();
  result.model = core->guide_report();
  return result;
}

}  // namespace halyard
