#include "tuner/replay/together.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <span>

#include "tuner/measured_time.h"
#include "tuner/search_core.h"
#include "tuner/task_scheduler.h"

namespace halyard {
namespace {

// The safe config's, which a library has without any search.
double SafeValue(const RecordedTask& recorded) {
  const RecordedResult& safe = recorded.at(recorded.task.space.safe());
  return safe.outcome == Outcome::kOk ? safe.value : recorded.worst;
}

// One search, made as far as anybody asks: which batch comes next depends on a task's own trials
// alone, so all dealings look at the same one.
class Searching {
 public:
  Searching(const RecordedTask& recorded, const TogetherOptions& options, uint64_t seed)
      : recorded_(recorded),
        core_(MakeReplayCore(recorded.task, options.strategy, seed, {}, options.base_model)) {}

  // Trials in the first `batches` batches; fewer than that many where the space is used up.
  size_t TrialsAfter(size_t batches) {
    while (ends_.size() <= batches && !used_up_) {
      const auto measure = [&](const std::vector<Config>& configs) {
        for (const Config& c : configs) {
          const RecordedResult& r = recorded_.at(c);
          core_->Add(c, r.outcome == Outcome::kOk, r.value);
        }
        return absl::OkStatus();
      };
      // Neither stopped from outside nor failing: there is no clock and no board.
      used_up_ = !core_->Step([] { return std::string(); }, measure)->empty();
      if (!used_up_) ends_.push_back(core_->trials().size());
    }
    return ends_[std::min(batches, ends_.size() - 1)];
  }
  bool Has(size_t batches) { return TrialsAfter(batches), batches < ends_.size(); }
  std::span<const Trial> First(size_t trials) const {
    return std::span<const Trial>(core_->trials()).first(trials);
  }

 private:
  const RecordedTask& recorded_;
  std::unique_ptr<SearchCore> core_;
  std::vector<size_t> ends_ = {0};  // ends_[b]: trials after b batches
  bool used_up_ = false;
};

struct Dealt {
  Curve sums;               // milliseconds, after each trial of the budget
  std::vector<int> trials;  // of each task
};

// One budget dealt out for one seed.
class Deal {
 public:
  Deal(const std::vector<RecordedTask>& spaces, const TogetherOptions& options,
       std::vector<Searching>& searches)
      : options_(options), searches_(searches), batches_(spaces.size(), 0) {
    for (size_t i = 0; i < spaces.size(); i++) {
      const double ms = 1e-6 * NanosecondsPerUnit(spaces[i].task.device);
      standings_.emplace_back();
      standings_[i].weight = options.weights[i] * ms;
      values_.push_back(SafeValue(spaces[i]));
    }
  }

  Dealt Run(Dealing dealing) {
    const size_t budget = standings_.size() * static_cast<size_t>(options_.trials);
    Dealt dealt;
    while (dealt.sums.size() < budget) {
      const std::optional<size_t> next = Next(dealing);
      if (!next) break;
      GiveBatch(*next, budget, dealt.sums);
    }
    dealt.sums.resize(budget, dealt.sums.back());
    for (const TaskStanding& s : standings_) dealt.trials.push_back(s.trials);
    return dealt;
  }

 private:
  std::optional<size_t> Next(Dealing dealing) const {
    if (dealing == Dealing::kWorth) return NextTask(standings_);
    std::optional<size_t> next;
    for (size_t i = 0; i < standings_.size(); i++) {
      if (standings_[i].finished) continue;
      if (dealing == Dealing::kSequential && standings_[i].trials < options_.trials) return i;
      if (!next || standings_[i].trials < standings_[*next].trials) next = i;
    }
    return next;
  }

  // As much of the task's next batch as the budget has left.
  void GiveBatch(size_t i, size_t budget, Curve& sums) {
    TaskStanding& s = standings_[i];
    const size_t end = searches_[i].TrialsAfter(++batches_[i]);
    const std::span<const Trial> trials = searches_[i].First(end);
    for (; static_cast<size_t>(s.trials) < end && sums.size() < budget; s.trials++) {
      const Trial& t = trials[static_cast<size_t>(s.trials)];
      if (t.ok && (s.best == 0 || t.value < s.best)) values_[i] = s.best = t.value;
      sums.push_back(Sum());
    }
    s.next = ForecastGain(trials, kBatch);
    s.cost = kBatch;
    const bool enough =
        s.best > 0 && ForecastGain(trials, kForecastTrials).gain < options_.stop_gain;
    // Asked last: it searches on, after which `trials` are elsewhere.
    s.finished = enough || !searches_[i].Has(batches_[i] + 1);
  }

  double Sum() const {
    double sum = 0;
    for (size_t i = 0; i < standings_.size(); i++) sum += standings_[i].weight * values_[i];
    return sum;
  }

  static constexpr int kBatch = 16;

  const TogetherOptions& options_;
  std::vector<Searching>& searches_;
  std::vector<size_t> batches_;  // of each task
  std::vector<TaskStanding> standings_;
  std::vector<double> values_;  // what the library would have: the best, or the safe config's
};

TogetherFigures FiguresOf(Dealing dealing, const TogetherReport& report,
                          const std::vector<Dealt>& seeds) {
  TogetherFigures figures{dealing, {}, {}, {}};
  const size_t tasks = report.tasks.size();
  const double best = std::inner_product(report.best_ms.begin(), report.best_ms.end(),
                                         report.options.weights.begin(), 0.0);
  const auto over_seeds = [&](auto figure) {
    std::vector<double> values;
    for (const Dealt& d : seeds) values.push_back(figure(d));
    return QuartilesOf(values);
  };
  for (const int trials : kTogetherTrials) {
    if (trials > report.options.trials) break;
    figures.above.push_back(over_seeds([&](const Dealt& d) {
      return RegretAfter(d.sums, best, trials * static_cast<int>(tasks));
    }));
  }
  for (size_t i = 0; i < tasks; i++) {
    figures.trials.push_back(
        static_cast<int>(over_seeds([&](const Dealt& d) { return d.trials[i]; }).median));
  }
  figures.dealt = over_seeds(
      [](const Dealt& d) { return std::accumulate(d.trials.begin(), d.trials.end(), 0); });
  return figures;
}

}  // namespace

std::string DealingName(Dealing dealing) {
  if (dealing == Dealing::kWorth) return "by worth";
  return dealing == Dealing::kTurns ? "in turns" : "sequential";
}

TogetherReport ReplayTogether(const std::vector<RecordedTask>& spaces,
                              const TogetherOptions& options, int threads) {
  TogetherReport report{options, {}, {}, {}, {}};
  for (const RecordedTask& s : spaces) {
    const double ms = 1e-6 * NanosecondsPerUnit(s.task.device);
    report.tasks.push_back(s.task.workload.ToText() + " on " + s.task.device.id);
    report.best_ms.push_back(s.best * ms);
    report.safe_ms.push_back(SafeValue(s) * ms);
  }
  std::vector<std::vector<Dealt>> dealt(std::size(kDealings),
                                        std::vector<Dealt>(static_cast<size_t>(options.seeds)));
  DealJobs(static_cast<size_t>(options.seeds), threads, [&](size_t seed) {
    std::vector<Searching> searches;
    for (const RecordedTask& s : spaces) searches.emplace_back(s, options, seed + 1);
    for (size_t d = 0; d < std::size(kDealings); d++) {
      dealt[d][seed] = Deal(spaces, options, searches).Run(kDealings[d]);
    }
  });
  for (size_t d = 0; d < std::size(kDealings); d++) {
    report.figures.push_back(FiguresOf(kDealings[d], report, dealt[d]));
  }
  return report;
}

}  // namespace halyard
