#include "tuner/suite.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "fmt/format.h"
#include "tuner/measured_time.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kAllFinished[] = "all tasks are finished";

// The searches of a suite and how they stand.
class Suite {
 public:
  Suite(const std::vector<SuiteMember>& members, const SuiteBudget& budget, SuiteObserver& observer)
      : members_(members), budget_(budget), observer_(observer), standings_(members.size()) {
    for (const SuiteMember& m : members) {
      searches_.push_back(std::make_unique<TaskSearch>(m.bench, observer));
    }
  }

  absl::StatusOr<SuiteSearch> Run() {
    for (size_t i = 0; i < searches_.size(); i++) {
      observer_.OnMember(i);
      if (auto s = searches_[i]->Resume(); !s.ok()) return s;
      Update(i);
    }
    const auto begin = Clock::now();
    const auto elapsed = [&] {
      return std::chrono::duration<double>(Clock::now() - begin).count();
    };
    const auto why_stop = [&]() -> std::string {
      if (members_[0].bench.interrupted) return "interrupted";
      return elapsed() >= budget_.seconds ? "time budget used" : "";
    };
    std::string why;
    while ((why = why_stop()).empty()) {
      const int left = budget_.trials - Trials();
      if (left <= 0) why = kTrialBudgetUsed;
      PriceBatches();
      const std::optional<size_t> next = NextTask(standings_);
      if (!next) why = kAllFinished;
      if (!why.empty()) break;
      if (auto s = Step(*next, left, why_stop); !s.ok()) return s;
    }
    return Result(std::move(why), elapsed());
  }

 private:
  int Trials() const {
    int trials = 0;
    for (const TaskStanding& s : standings_) trials += s.trials;
    return trials;
  }

  absl::Status Step(size_t i, int left, const SearchCore::WhyStop& why_stop) {
    observer_.OnMember(i);
    const auto ended = searches_[i]->Step(why_stop, left);
    if (!ended.ok()) return ended.status();
    // What stops the whole suite finishes no member.
    if (!ended->empty() && why_stop().empty()) {
      standings_[i].finished = true;
      observer_.OnFinished(i, searches_[i]->result().stopped_because);
    }
    Update(i);
    return absl::OkStatus();
  }

  void Update(size_t i) {
    const SearchResult& result = searches_[i]->result();
    const Trial* best = result.best();
    TaskStanding& s = standings_[i];
    s.weight = members_[i].weight * NanosecondsPerUnit(members_[i].bench.task.device);
    s.trials = static_cast<int>(result.trials.size());
    s.best = best != nullptr ? best->value : 0;
    s.next = searches_[i]->Expect(searches_[i]->batch_size());
  }

  // What a batch costs is known where this run has measured some of the task, which is soon: until
  // then it is taken to cost what the others' do. Where trials are what is shared, each costs one.
  void PriceBatches() {
    const bool timed = std::isfinite(budget_.seconds);
    double sum = 0, known = 0;
    for (const TaskStanding& s : standings_) {
      if (s.next.seconds) sum += *s.next.seconds, known++;
    }
    const double usual = known > 0 ? sum / known : 1;
    for (TaskStanding& s : standings_) {
      s.cost = timed ? std::max(1e-6, s.next.seconds.value_or(usual)) : s.next.trials;
    }
  }

  SuiteSearch Result(std::string why, double seconds) const {
    SuiteSearch suite;
    suite.stopped_because = std::move(why);
    suite.seconds = seconds;
    for (const auto& search : searches_) suite.searches.push_back(search->result());
    const int batch = searches_[0]->batch_size();
    suite.forecast =
        ForecastTogether(standings_, batch * static_cast<int>(searches_.size()), batch,
                         [&](size_t i, int more) { return searches_[i]->Expect(more); });
    return suite;
  }

  const std::vector<SuiteMember>& members_;
  const SuiteBudget budget_;
  SuiteObserver& observer_;
  std::vector<std::unique_ptr<TaskSearch>> searches_;
  std::vector<TaskStanding> standings_;
};

}  // namespace

int SuiteSearch::trials() const {
  size_t trials = 0;
  for (const SearchResult& s : searches) trials += s.trials.size();
  return static_cast<int>(trials);
}

int SuiteSearch::resumed() const {
  int resumed = 0;
  for (const SearchResult& s : searches) resumed += s.resumed;
  return resumed;
}

absl::StatusOr<SuiteSearch> SearchSuite(const std::vector<SuiteMember>& members,
                                        const SuiteBudget& budget, SuiteObserver& observer) {
  return Suite(members, budget, observer).Run();
}

Forecast ForecastTogether(const std::vector<TaskStanding>& tasks, int more, int batch,
                          const std::function<Forecast(size_t, int)>& expect) {
  std::vector<int> dealt(tasks.size(), 0);
  std::vector<Forecast> now(tasks.size());
  double sum = 0;
  for (const TaskStanding& t : tasks) sum += t.weight * t.best;
  for (int left = more; left > 0; left -= batch) {
    std::optional<size_t> best;
    Forecast best_then;
    double most = 0;
    for (size_t i = 0; i < tasks.size(); i++) {
      if (tasks[i].best == 0) continue;
      const Forecast then = expect(i, dealt[i] + std::min(left, batch));
      const double worth = tasks[i].weight * tasks[i].best * (then.gain - now[i].gain);
      if (best && worth <= most) continue;
      best = i;
      most = worth;
      best_then = then;
    }
    if (!best) break;
    dealt[*best] += std::min(left, batch);
    now[*best] = best_then;
  }
  Forecast all;
  all.trials = more;
  all.seconds = 0;
  double variance = 0;
  for (size_t i = 0; i < tasks.size(); i++) {
    if (dealt[i] == 0) continue;
    const double share = tasks[i].weight * tasks[i].best / sum;
    all.gain += share * now[i].gain;
    variance += share * share * now[i].deviation * now[i].deviation;
    if (all.seconds && now[i].seconds) *all.seconds += *now[i].seconds;
    if (!now[i].seconds) all.seconds.reset();
  }
  all.deviation = std::sqrt(variance);
  return all;
}

}  // namespace halyard
