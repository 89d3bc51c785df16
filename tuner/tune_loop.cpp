#include "tuner/tune_loop.h"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"
#include "tuner/model_guide.h"
#include "tuner/search_strategy.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
// A board that fails this often in a row is not coming back by itself.
constexpr int kMostLossesInARow = 8;

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
absl::Status Resume(const Workbench& bench, SearchState& state, SearchResult& result) {
  RecordFilter filter;
  filter.workload = bench.task.workload.ToText();
  filter.device = bench.task.device.id;
  filter.unit = UnitOf(bench.task.device.board_kind);
  filter.space_version = bench.task.space.version();
  const auto records = bench.log.Query(filter);
  if (!records.ok()) return records.status();
  for (const Record& r : *records) {
    // Infrastructure losses said nothing about the candidate.
    if (r.phase != "screening" || IsInfrastructure(r.outcome)) continue;
    const auto config = bench.task.space.Parse(r.config);
    if (!config.ok() || !state.tried.insert(bench.task.space.index_of(*config)).second) continue;
    const bool ok = r.outcome == Outcome::kOk;
    state.trials.push_back({*config, ok, ok ? r.value() : 0});
    Count(result, r.outcome, r.message);
    result.resumed++;
  }
  return absl::OkStatus();
}

int TrialsSinceBest(const std::vector<Trial>& trials) {
  double best = 0;
  size_t at = 0;
  for (size_t i = 0; i < trials.size(); i++) {
    // Half a percent is inside the noise of one screening.
    if (trials[i].ok && (best == 0 || trials[i].value < 0.995 * best)) {
      best = trials[i].value;
      at = i;
    }
  }
  return static_cast<int>(trials.size() - at);
}

}  // namespace

const Trial* SearchResult::best() const {
  const Trial* best = nullptr;
  for (const Trial& t : trials) {
    if (t.ok && (best == nullptr || t.value < best->value)) best = &t;
  }
  return best;
}

Record RecordOf(const Workbench& bench, const Config& config) {
  Record r;
  r.workload = bench.task.workload.ToText();
  r.config = bench.task.space.ToText(config);
  r.space_version = bench.task.space.version();
  r.device = bench.task.device.id;
  r.board = bench.executor.board_id();
  r.board_kind = bench.executor.board_kind();
  r.unit = UnitOf(bench.executor.board_kind());
  r.compiler = bench.builder.compiler() + "; " + bench.task.device.halide_target;
  r.protocol = kRunProtocolVersion;
  r.environment = bench.executor.environment();
  r.seed = bench.options.seed;
  r.time_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return r;
}

absl::StatusOr<SearchResult> Search(const Workbench& bench, double time_budget_seconds,
                                    SearchObserver& observer) {
  const auto begin = Clock::now();
  const Task& task = bench.task;
  const auto strategy = MakeStrategy(bench.options.strategy, bench.options.seed);
  CandidateRunner runner(task, bench.executor, bench.options.seed);
  ModelGuide guide(task, bench.options.seed, bench.base_model);
  SearchState state;
  state.task = &task;
  SearchResult result;
  if (auto s = Resume(bench, state, result); !s.ok()) return s;
  if (!state.trials.empty()) guide.Learn(state.trials, state.trials.size());
  result.trials = state.trials;
  observer.OnTrial(result);

  TimingPolicy policy;
  if (const Trial* best = result.best()) policy.incumbent_ns = best->value;
  int losses_in_a_row = 0;
  auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begin).count(); };
  auto stop = [&]() -> std::string {
    if (bench.interrupted) return "interrupted";
    if (elapsed() >= time_budget_seconds) return "time budget used";
    if (static_cast<int>(state.trials.size()) >= bench.options.trials) return "trial budget used";
    if (TrialsSinceBest(state.trials) > kPatienceTrials) return "no improvement";
    return "";
  };

  while ((result.stopped_because = stop()).empty()) {
    state.score = guide.score();
    const int left = bench.options.trials - static_cast<int>(state.trials.size());
    std::vector<Config> configs = strategy->Propose(state, std::min(kBatch, left));
    // The baseline of every report is measured like any other candidate, and first.
    if (state.trials.empty()) {
      std::erase(configs, task.space.safe());
      configs.insert(configs.begin(), task.space.safe());
      configs.resize(std::min<size_t>(configs.size(), static_cast<size_t>(left)));
    }
    if (configs.empty()) {
      result.stopped_because = "every valid config has been tried";
      break;
    }
    std::vector<BuildRequest> requests;
    for (const Config& c : configs) {
      requests.push_back(
          {BuildKind::kConfig, task.workload.ToText(), task.space.ToText(c), task.device.id});
    }
    observer.OnPhase(fmt::format("building {}", requests.size()));
    const std::vector<BuildResult> built = bench.builder.Build(requests);

    const size_t first_new = state.trials.size();
    for (size_t i = 0; i < configs.size() && !bench.interrupted && elapsed() < time_budget_seconds;
         i++) {
      observer.OnPhase("measuring");
      MeasureResult m{built[i].outcome, built[i].message, {}, ""};
      if (m.outcome == Outcome::kOk) m = runner.Measure(configs[i], built[i], policy);

      Record record = RecordOf(bench, configs[i]);
      record.outcome = m.outcome;
      record.message = m.message;
      record.samples = m.samples;
      record.checks = m.checks;
      record.artifact_sha256 = built[i].sha256;
      std::vector<Record> one = {record};
      if (auto s = bench.log.Append(one); !s.ok()) return s;

      Count(result, m.outcome, m.message);
      losses_in_a_row = IsInfrastructure(m.outcome) ? losses_in_a_row + 1 : 0;
      if (losses_in_a_row >= kMostLossesInARow) {
        return absl::UnavailableError("the last " + std::to_string(kMostLossesInARow) +
                                      " trials were lost: " + m.message);
      }
      const bool ok = m.outcome == Outcome::kOk;
      const uint64_t index = task.space.index_of(configs[i]);
      state.tried.insert(index);
      state.trials.push_back({configs[i], ok, ok ? one[0].value() : 0});
      if (ok) result.artifacts[index] = built[i];
      if (ok && (policy.incumbent_ns == 0 || state.trials.back().value < policy.incumbent_ns)) {
        policy.incumbent_ns = state.trials.back().value;
      }
      result.trials = state.trials;
      result.seconds = elapsed();
      result.correlation = guide.correlation();
      observer.OnTrial(result);
    }
    guide.Learn(state.trials, first_new);
  }
  result.seconds = elapsed();
  result.correlation = guide.correlation();
  result.model = guide.report();
  return result;
}

}  // namespace halyard
