#include "tuner/tune_loop.h"

#include <chrono>

#include "tuner/masked_message.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

void Count(SearchResult& result, Outcome outcome, const std::string& message) {
  result.outcomes[outcome]++;
  if (outcome != Outcome::kOk) {
    result.failures[std::string(OutcomeName(outcome)) + ": " + MaskDigits(message)]++;
  }
}

}  // namespace

const Trial* SearchResult::best() const { return BestTrial(trials); }

TaskSearch::TaskSearch(const Workbench& bench, SearchObserver& observer)
    : bench_(bench),
      observer_(observer),
      core_(MakeSearchCore(bench.task, bench.options.strategy, bench.options.seed,
                           {bench.options.trials, bench.options.stop_gain}, bench.base_model)),
      screening_(bench) {}

absl::Status TaskSearch::Resume() {
  const auto logged = LoggedConfigs(
      bench_.log, bench_.task, RecordedCompiler(bench_.builder.compiler(), bench_.task.device));
  if (!logged.ok()) return logged.status();
  for (const auto& [config, record] : *logged) {
    const bool ok = record.outcome == Outcome::kOk;
    core_->Resume(config, ok, ok ? record.value() : 0);
    Count(result_, record.outcome, record.message);
    result_.resumed++;
  }
  result_.trials = core_->trials();
  result_.forecast = Expect(kForecastTrials);
  observer_.OnTrial(result_);
  return absl::OkStatus();
}

Forecast TaskSearch::Expect(int more) const {
  if (result_.stopped_because == kSpaceUsedUp) return {};
  Forecast forecast = ForecastGain(core_->trials(), more);
  forecast.seconds = pace_.Seconds(more);
  return forecast;
}

absl::StatusOr<std::string> TaskSearch::Step(const SearchCore::WhyStop& why_stop, int most) {
  const auto begin = Clock::now();
  const double before = result_.seconds;
  const size_t trials_before = core_->trials().size();
  auto elapsed = [&] {
    return before + std::chrono::duration<double>(Clock::now() - begin).count();
  };
  const auto show = [&] {
    result_.trials = core_->trials();
    result_.seconds = elapsed();
    result_.correlation = core_->correlation();
    observer_.OnTrial(result_);
  };
  Screening::Callbacks callbacks;
  callbacks.phase = [&](const std::string& what) { observer_.OnPhase(what); };
  callbacks.stop = [&] { return !why_stop().empty(); };
  callbacks.incumbent = [&] { return core_->best() != nullptr ? core_->best()->value : 0; };
  callbacks.taken = [&](const Config& config, const BuildResult& built, const Record& record) {
    const bool ok = record.outcome == Outcome::kOk;
    core_->Add(config, ok, ok ? record.value() : 0);
    if (ok) result_.artifacts[bench_.task.space.index_of(config)] = built;
    Count(result_, record.outcome, record.message);
    show();
  };
  callbacks.refined = [&](const Config& config, const Record& record) {
    const bool ok = record.outcome == Outcome::kOk;
    core_->Refine(config, ok, ok ? record.value() : 0);
    if (!ok) result_.artifacts.erase(bench_.task.space.index_of(config));
    show();
  };
  const auto measure = [&](const std::vector<Config>& configs) {
    return screening_.Screen(configs, core_->predicted(), callbacks);
  };
  auto stopped = core_->Step(why_stop, measure, most);
  if (!stopped.ok()) return stopped;
  result_.seconds = elapsed();
  pace_.Add(core_->trials().size() - trials_before, result_.seconds - before);
  result_.correlation = core_->correlation();
  result_.model = core_->guide_report();
  result_.stopped_because = *stopped;
  result_.forecast = Expect(kForecastTrials);
  if (*stopped == kTooLittleExpected) result_.stopped_because = ForecastText(result_.forecast);
  return stopped;
}

absl::StatusOr<SearchResult> Search(const Workbench& bench, double time_budget_seconds,
                                    SearchObserver& observer) {
  const auto begin = Clock::now();
  TaskSearch search(bench, observer);
  if (auto s = search.Resume(); !s.ok()) return s;
  auto why_stop = [&]() -> std::string {
    if (bench.interrupted) return "interrupted";
    const std::chrono::duration<double> elapsed = Clock::now() - begin;
    return elapsed.count() >= time_budget_seconds ? "time budget used" : "";
  };
  while (search.result().stopped_because.empty()) {
    if (auto stopped = search.Step(why_stop); !stopped.ok()) return stopped.status();
  }
  return search.result();
}

}  // namespace halyard
