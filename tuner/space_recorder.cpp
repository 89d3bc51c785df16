#include "tuner/space_recorder.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <numeric>
#include <random>
#include <unordered_set>

#include "fmt/chrono.h"
#include "fmt/format.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
// Building and timing alternate, as in a search.
constexpr size_t kBatch = 16;
constexpr double kGiveUpFactor = 3;
constexpr int kMostRepeats = 2;

RecordedResult ResultOf(const Record& record) {
  const bool ok = record.outcome == Outcome::kOk;
  return {record.outcome, ok ? static_cast<float>(record.value()) : 0.0f};
}

// Perhaps not the candidate's own doing: a machine that is busy elsewhere is slow and unsteady. A
// search shrugs, a recording is kept.
bool WorthRepeating(Outcome outcome) {
  return IsInfrastructure(outcome) || outcome == Outcome::kUnstable ||
         outcome == Outcome::kBuildTimeout || outcome == Outcome::kRunTimeout;
}

class Recorder {
 public:
  Recorder(const Workbench& bench, const std::function<void(const RecordingProgress&)>& show)
      : bench_(bench), show_(show), valid_(ValidIndices(bench.task.space)) {
    for (size_t i = 0; i < valid_.size(); i++) place_[valid_[i]] = i;
    results_.resize(valid_.size());
    settled_.assign(valid_.size(), false);
    repeats_.assign(valid_.size(), 0);
    progress_.total = valid_.size();
  }

  absl::Status Resume() {
    const auto logged = LoggedTrials(bench_.log, bench_.task);
    if (!logged.ok()) return logged.status();
    for (const auto& [config, record] : *logged) {
      const auto at = place_.find(bench_.task.space.index_of(config));
      if (at == place_.end() || settled_[at->second] || WorthRepeating(record.outcome)) continue;
      Settle(at->second, ResultOf(record));
    }
    progress_.resumed = progress_.done;
    return absl::OkStatus();
  }

  absl::Status MeasureAll() {
    const auto begin = Clock::now();
    TrialRunner runner(bench_);
    std::deque<size_t> open = Order();
    show_(progress_);
    while (!open.empty()) {
      std::vector<size_t> places;
      std::vector<Config> configs;
      while (!open.empty() && places.size() < kBatch) {
        places.push_back(open.front());
        configs.push_back(bench_.task.space.config_at(valid_[open.front()]));
        open.pop_front();
      }
      const std::vector<BuildResult> built = runner.Build(configs);
      for (size_t i = 0; i < configs.size(); i++) {
        if (bench_.interrupted) {
          return absl::AbortedError(
              fmt::format("interrupted after {} of {} configs", progress_.done, progress_.total));
        }
        TimingPolicy policy;
        policy.incumbent_ns = progress_.best;
        policy.give_up_factor = kGiveUpFactor;
        const auto record = runner.Measure(configs[i], built[i], policy);
        if (!record.ok()) return record.status();
        const bool again = WorthRepeating(record->outcome) && repeats_[places[i]]++ < kMostRepeats;
        if (!again && IsInfrastructure(record->outcome)) {
          return absl::UnavailableError(
              fmt::format("a config was lost three times over: {}", record->message));
        }
        if (again) {
          open.push_back(places[i]);
        } else {
          Settle(places[i], ResultOf(*record));
        }
        progress_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        show_(progress_);
      }
    }
    return absl::OkStatus();
  }

  RecordedSpace Result() const {
    const Task& task = bench_.task;
    RecordedSpace space;
    space.workload = task.workload.ToText();
    space.device = task.device;
    space.unit = UnitOf(task.device.board_kind);
    space.space_version = task.space.version();
    for (const Knob& knob : task.space.knobs()) {
      space.knobs.push_back({knob.name, {}});
      for (size_t v = 0; v < knob.values.size(); v++) {
        space.knobs.back().values.push_back(knob.text(static_cast<int>(v)));
      }
    }
    const Record conditions = RecordOf(bench_, task.space.safe());
    space.protocol = conditions.protocol;
    space.compiler = conditions.compiler;
    space.environment = conditions.environment;
    space.provenance = fmt::format("{:%Y-%m-%d}, commit {}, board {}, seed {}",
                                   fmt::gmtime(conditions.time_unix_ms / 1000), HALYARD_COMMIT,
                                   conditions.board, conditions.seed);
    space.valid_crc32 = Crc32OfIndices(valid_);
    space.results = results_;
    return space;
  }

 private:
  // The safe config first: it gives the others something to be given up against.
  std::deque<size_t> Order() const {
    std::vector<size_t> order(valid_.size());
    std::iota(order.begin(), order.end(), 0);
    std::mt19937_64 rng(bench_.options.seed);
    for (size_t i = order.size(); i > 1; i--) {
      std::swap(order[i - 1],
                order[static_cast<size_t>((static_cast<unsigned __int128>(rng()) * i) >> 64)]);
    }
    const Task& task = bench_.task;
    const size_t safe = place_.at(task.space.index_of(task.space.safe()));
    std::stable_partition(order.begin(), order.end(), [&](size_t i) { return i == safe; });
    std::erase_if(order, [&](size_t i) { return settled_[i]; });
    return {order.begin(), order.end()};
  }

  void Settle(size_t place, const RecordedResult& result) {
    results_[place] = result;
    settled_[place] = true;
    progress_.done++;
    progress_.outcomes[result.outcome]++;
    if (result.outcome == Outcome::kOk && (progress_.best == 0 || result.value < progress_.best)) {
      progress_.best = result.value;
    }
  }

  const Workbench& bench_;
  const std::function<void(const RecordingProgress&)>& show_;
  const std::vector<uint64_t> valid_;
  std::unordered_map<uint64_t, size_t> place_;  // index -> position in valid_
  std::vector<RecordedResult> results_;
  std::vector<bool> settled_;
  std::vector<int> repeats_;
  RecordingProgress progress_;
};

}  // namespace

absl::StatusOr<std::vector<Config>> GoodConfigs(const MeasurementLog& log, const Task& task) {
  auto logged = LoggedTrials(log, task);
  if (!logged.ok()) return logged.status();
  std::erase_if(*logged, [](const LoggedTrial& t) { return t.record.outcome != Outcome::kOk; });
  std::stable_sort(logged->begin(), logged->end(), [](const LoggedTrial& a, const LoggedTrial& b) {
    return a.record.value() < b.record.value();
  });
  std::vector<Config> good;
  std::unordered_set<uint64_t> seen;
  for (LoggedTrial& t : *logged) {
    // A rule that came without a new version may have made it invalid.
    if (!task.space.valid(t.config) || !seen.insert(task.space.index_of(t.config)).second) continue;
    good.push_back(std::move(t.config));
  }
  return good;
}

absl::StatusOr<RecordedSpace> RecordSpace(
    const Workbench& bench, const std::function<void(const RecordingProgress&)>& show) {
  Recorder recorder(bench, show);
  if (auto s = recorder.Resume(); !s.ok()) return s;
  if (auto s = recorder.MeasureAll(); !s.ok()) return s;
  return recorder.Result();
}

}  // namespace halyard
