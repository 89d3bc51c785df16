#include "tuner/space_recorder.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <numeric>
#include <random>

#include "fmt/chrono.h"
#include "fmt/format.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
// Building and timing alternate, as in a search.
constexpr size_t kBatch = 16;
constexpr double kGiveUpFactor = 3;
constexpr int kMostRepeats = 2;
// The best of thousands of times is the luckiest of the good ones, and what a replay calls the best
// known. So that many are timed that often, and have the median.
constexpr size_t kFinalists = 64;
constexpr size_t kFinalTimes = 3;

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
      : bench_(bench), show_(show), valid_(ValidIndices(bench.task.space)), runner_(bench) {
    for (size_t i = 0; i < valid_.size(); i++) place_[valid_[i]] = i;
    results_.resize(valid_.size());
    settled_.assign(valid_.size(), false);
    times_.resize(valid_.size());
    repeats_.assign(valid_.size(), 0);
    progress_.total = valid_.size();
  }

  absl::Status Resume() {
    const auto logged = LoggedTrials(bench_.log, bench_.task);
    if (!logged.ok()) return logged.status();
    for (const auto& [config, record] : *logged) {
      const auto at = place_.find(bench_.task.space.index_of(config));
      if (at == place_.end() || WorthRepeating(record.outcome)) continue;
      Take(at->second, ResultOf(record));
    }
    progress_.resumed = progress_.done;
    return absl::OkStatus();
  }

  absl::Status MeasureAll() {
    std::deque<size_t> open = Order();
    show_(progress_);
    while (!open.empty()) {
      std::vector<size_t> places;
      while (!open.empty() && places.size() < kBatch) {
        places.push_back(open.front());
        open.pop_front();
      }
      const auto status = Measure(places, kGiveUpFactor, [&](size_t place, const Record& record) {
        if (WorthRepeating(record.outcome) && repeats_[place]++ < kMostRepeats) {
          open.push_back(place);
          return absl::OkStatus();
        }
        if (IsInfrastructure(record.outcome)) {
          return absl::UnavailableError(
              fmt::format("a config was lost three times over: {}", record.message));
        }
        Take(place, ResultOf(record));
        return absl::OkStatus();
      });
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Round by round, so that a slow minute is nobody's alone. Counts repeat, times do not.
  absl::Status MeasureBestAgain() {
    if (bench_.task.device.board_kind() == BoardKind::kVirtual) return absl::OkStatus();
    std::vector<size_t> best;
    for (size_t i = 0; i < results_.size(); i++) {
      if (results_[i].outcome == Outcome::kOk) best.push_back(i);
    }
    std::sort(best.begin(), best.end(), [&](size_t a, size_t b) {
      return std::pair(times_[a].front(), a) < std::pair(times_[b].front(), b);
    });
    best.resize(std::min(best.size(), kFinalists));
    for (size_t times = 2; times <= kFinalTimes; times++) {
      for (size_t first = 0; first < best.size(); first += kBatch) {
        std::vector<size_t> places(
            best.begin() + static_cast<int64_t>(first),
            best.begin() + static_cast<int64_t>(std::min(best.size(), first + kBatch)));
        std::erase_if(places, [&](size_t place) { return times_[place].size() >= times; });
        // One that fails now has the times it has.
        const auto status = Measure(places, 0, [&](size_t place, const Record& record) {
          if (record.outcome == Outcome::kOk) Take(place, ResultOf(record));
          return absl::OkStatus();
        });
        if (!status.ok()) return status;
      }
    }
    for (const size_t place : best) {
      std::vector<float>& times = times_[place];
      std::nth_element(times.begin(), times.begin() + static_cast<int64_t>(times.size() / 2),
                       times.end());
      results_[place].value = times[times.size() / 2];
    }
    return absl::OkStatus();
  }

  RecordedSpace Result() const {
    const Task& task = bench_.task;
    RecordedSpace space;
    space.workload = task.workload.ToText();
    space.device = task.device;
    space.unit = UnitOf(task.device.board_kind());
    space.space_version = task.space.version();
    for (const Knob& knob : task.space.knobs()) {
      space.knobs.push_back({knob.name, {}});
      for (size_t v = 0; v < knob.values.size(); v++) {
        space.knobs.back().values.push_back(knob.text(static_cast<int>(v)));
      }
    }
    const Record conditions = RecordOf(bench_, bench_.executor, task.space.safe());
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
  // Builds and runs them, and gives `take` each record; stops at its first error. Configs slower
  // than `give_up_factor` (0: none) times the best so far are given up after one sample.
  absl::Status Measure(const std::vector<size_t>& places, double give_up_factor,
                       const std::function<absl::Status(size_t, const Record&)>& take) {
    std::vector<Config> configs;
    for (const size_t place : places) {
      configs.push_back(bench_.task.space.config_at(valid_[place]));
    }
    const std::vector<BuildResult> built = runner_.Build(configs);
    for (size_t i = 0; i < configs.size(); i++) {
      if (bench_.interrupted) {
        return absl::AbortedError(
            fmt::format("interrupted after {} of {} configs", progress_.done, progress_.total));
      }
      TimingPolicy policy;
      if (give_up_factor > 0) {
        policy.incumbent_ns = progress_.best;
        policy.give_up_factor = give_up_factor;
      }
      const auto record = runner_.Keep(runner_.Measure(0, configs[i], built[i], policy));
      if (!record.ok()) return record.status();
      if (auto s = take(places[i], *record); !s.ok()) return s;
      progress_.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
      show_(progress_);
    }
    return absl::OkStatus();
  }

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

  // The first result of a config settles it; further times are kept beside.
  void Take(size_t place, const RecordedResult& result) {
    if (result.outcome == Outcome::kOk) times_[place].push_back(result.value);
    if (settled_[place]) return;
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
  std::vector<std::vector<float>> times_;  // of ok configs, in the order they were taken
  std::vector<int> repeats_;
  RecordingProgress progress_;
  TrialRunner runner_;
  const Clock::time_point begin_ = Clock::now();
};

}  // namespace

absl::StatusOr<std::vector<Config>> GoodConfigs(const MeasurementLog& log, const Task& task) {
  auto logged = LoggedConfigs(log, task);
  if (!logged.ok()) return logged.status();
  // A rule that came without a new version may have made it invalid.
  std::erase_if(*logged, [&](const LoggedTrial& t) {
    return t.record.outcome != Outcome::kOk || !task.space.valid(t.config);
  });
  std::stable_sort(logged->begin(), logged->end(), [](const LoggedTrial& a, const LoggedTrial& b) {
    return a.record.value() < b.record.value();
  });
  std::vector<Config> good;
  for (LoggedTrial& t : *logged) good.push_back(std::move(t.config));
  return good;
}

absl::StatusOr<RecordedSpace> RecordSpace(
    const Workbench& bench, const std::function<void(const RecordingProgress&)>& show) {
  Recorder recorder(bench, show);
  if (auto s = recorder.Resume(); !s.ok()) return s;
  if (auto s = recorder.MeasureAll(); !s.ok()) return s;
  if (auto s = recorder.MeasureBestAgain(); !s.ok()) return s;
  return recorder.Result();
}

}  // namespace halyard
