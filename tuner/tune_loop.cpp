#include "tuner/tune_loop.h"

#include <chrono>
#include <map>

#include "fmt/format.h"
#include "tuner/screening.h"

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

// Takes what earlier runs logged of this task, so that nothing is measured twice. Several records
// of a config are one trial with all their samples, or a failed one if any answer was wrong.
absl::Status Resume(const Workbench& bench, SearchCore& core, SearchResult& result) {
  const auto logged = LoggedTrials(bench.log, bench.task);
  if (!logged.ok()) return logged.status();
  std::map<Config, Record> known;
  for (const auto& [config, record] : *logged) {
    const auto [at, first] = known.try_emplace(config, record);
    Record& all = at->second;
    const bool ok = record.outcome == Outcome::kOk;
    if (first) {
      core.Resume(config, ok, ok ? record.value() : 0);
      Count(result, record.outcome, record.message);
      result.resumed++;
    } else if (all.outcome == Outcome::kOk && ok) {
      all.samples.insert(all.samples.end(), record.samples.begin(), record.samples.end());
      core.Refine(config, true, all.value());
    } else if (record.outcome == Outcome::kWrongResult) {
      all.outcome = Outcome::kWrongResult;
      core.Refine(config, false, 0);
    }
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
  Screening screening(bench);
  SearchResult result;
  if (auto s = Resume(bench, *core, result); !s.ok()) return s;
  observer.OnTrial(result);

  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  auto why_stop = [&]() -> std::string {
    if (bench.interrupted) return "interrupted";
    return elapsed() >= time_budget_seconds ? "time budget used" : "";
  };
  const auto show = [&] {
    result.trials = core->trials();
    result.seconds = elapsed();
    result.correlation = core->correlation();
    observer.OnTrial(result);
  };
  Screening::Callbacks callbacks;
  callbacks.phase = [&](const std::string& what) { observer.OnPhase(what); };
  callbacks.stop = [&] { return !why_stop().empty(); };
  callbacks.incumbent = [&] { return core->best() != nullptr ? core->best()->value : 0; };
  callbacks.taken = [&](const Config& config, const BuildResult& built, const Record& record) {
    const bool ok = record.outcome == Outcome::kOk;
    core->Add(config, ok, ok ? record.value() : 0);
    if (ok) result.artifacts[bench.task.space.index_of(config)] = built;
    Count(result, record.outcome, record.message);
    show();
  };
  callbacks.refined = [&](const Config& config, const Record& record) {
    const bool ok = record.outcome == Outcome::kOk;
    core->Refine(config, ok, ok ? record.value() : 0);
    if (!ok) result.artifacts.erase(bench.task.space.index_of(config));
    show();
  };
  const auto measure = [&](const std::vector<Config>& configs) {
    return screening.Screen(configs, callbacks);
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
