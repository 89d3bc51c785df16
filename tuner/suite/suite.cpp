#include "tuner/suite/suite.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "fmt/format.h"
#include "tuner/measured_time.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kAllFinished[] = "all tasks are finished";

// Where boards' time is what is shared, a lane waits while another's batch is worth this many times
// its own: its boards would use up what is better spent there.
constexpr double kWorthWaitingFor = 4;

// A member's part in what the suite's observer is told, one call at a time.
class MemberObserver final : public SearchObserver {
 public:
  MemberObserver(SuiteObserver& suite, std::mutex& mutex, size_t member)
      : suite_(suite), mutex_(mutex), member_(member) {}
  void OnPhase(const std::string& what) override {
    const std::lock_guard lock(mutex_);
    suite_.OnPhase(member_, what);
  }
  void OnTrial(const SearchResult& so_far) override {
    const std::lock_guard lock(mutex_);
    suite_.OnTrial(member_, so_far);
  }

 private:
  SuiteObserver& suite_;
  std::mutex& mutex_;
  const size_t member_;
};

// The searches of a suite and how they stand.
class Suite {
 public:
  Suite(const std::vector<SuiteMember>& members, const SuiteBudget& budget, SuiteObserver& observer)
      : members_(members), budget_(budget), observer_(observer), standings_(members.size()) {
    for (size_t i = 0; i < members.size(); i++) {
      observers_.push_back(std::make_unique<MemberObserver>(observer, observing_, i));
      searches_.push_back(std::make_unique<TaskSearch>(members[i].bench, *observers_[i]));
      searches_[i]->BeginWith(members[i].first);
      lanes_ = std::max(lanes_, members[i].lane + 1);
    }
  }

  absl::StatusOr<SuiteSearch> Run() {
    for (size_t i = 0; i < searches_.size(); i++) {
      if (auto s = searches_[i]->Resume(); !s.ok()) return s;
      Update(i);
    }
    begin_ = Clock::now();
    std::vector<std::jthread> others;
    for (size_t lane = 1; lane < lanes_; lane++) {
      others.emplace_back([this, lane] { RunLane(lane); });
    }
    RunLane(0);
    others.clear();
    if (!error_.ok()) return error_;
    return Result(stopped_because_.empty() ? kAllFinished : stopped_because_, Elapsed());
  }

 private:
  double Elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  // Asked between candidates, without the lock.
  std::string WhyStop() const {
    if (ended_) return "another task's board was lost";
    if (members_[0].bench.interrupted) return "interrupted";
    if (Elapsed() >= budget_.seconds) return "time budget used";
    const bool boards = budget_.board_seconds_used != nullptr;
    return boards && budget_.board_seconds_used() >= budget_.board_seconds ? "board time used" : "";
  }

  void RunLane(size_t lane) {
    std::unique_lock lock(mutex_);
    while (!ended_) {
      std::string why = WhyStop();
      const int left = budget_.trials - Trials() - trials_in_flight_;
      if (why.empty() && left <= 0) why = kTrialBudgetUsed;
      if (!why.empty()) {
        // What others still do is theirs: the reason is that of all.
        if (stopped_because_.empty()) stopped_because_ = why;
        break;
      }
      const std::optional<size_t> next = NextOf(lane);
      if (!next) break;
      if (!IsItsTurn(lane, *next)) {
        changed_.wait_for(lock, std::chrono::milliseconds(100));
        continue;
      }
      const int most = std::min(left, searches_[*next]->batch_size());
      trials_in_flight_ += most;
      lock.unlock();
      auto ended = searches_[*next]->Step([this] { return WhyStop(); }, most);
      lock.lock();
      trials_in_flight_ -= most;
      Take(*next, std::move(ended));
      changed_.notify_all();
    }
    changed_.notify_all();
  }

  void Take(size_t i, absl::StatusOr<std::string> ended) {
    const bool finished = ended.ok() && !ended->empty() && WhyStop().empty();
    Update(i);
    const std::lock_guard observing(observing_);
    observer_.OnBatch(i);
    if (absl::IsUnavailable(ended.status()) && HasOthers(i)) {
      lost_[DeviceOf(i)] = ended.status();
      for (size_t j = 0; j < members_.size(); j++) {
        if (DeviceOf(j) == DeviceOf(i)) standings_[j].finished = true;
      }
    } else if (!ended.ok()) {
      if (error_.ok()) error_ = ended.status();
      ended_ = true;
    } else if (finished) {  // what stops the whole suite finishes no member
      standings_[i].finished = true;
      observer_.OnFinished(i, searches_[i]->result().stopped_because);
    }
  }

  // Whether there is a device besides this member's whose boards are not lost.
  bool HasOthers(size_t i) const {
    for (size_t j = 0; j < members_.size(); j++) {
      if (DeviceOf(j) != DeviceOf(i) && lost_.count(DeviceOf(j)) == 0) return true;
    }
    return false;
  }

  int Trials() const {
    int trials = 0;
    for (const TaskStanding& s : standings_) trials += s.trials;
    return trials;
  }

  // As the scheduler sees them: shares where there are several devices, and only a lane's own.
  std::vector<TaskStanding> Standings(std::optional<size_t> lane) {
    PriceBatches();
    std::map<std::string, double> sums;
    for (size_t i = 0; i < members_.size(); i++) {
      sums[DeviceOf(i)] += standings_[i].weight * standings_[i].best;
    }
    std::vector<TaskStanding> standings = standings_;
    for (size_t i = 0; i < members_.size(); i++) {
      const double sum = sums.size() > 1 ? sums[DeviceOf(i)] : 0;
      if (sum > 0) standings[i].weight /= sum;
      if (lane && members_[i].lane != *lane) standings[i].finished = true;
    }
    return standings;
  }

  std::optional<size_t> NextOf(size_t lane) { return NextTask(Standings(lane)); }

  bool IsItsTurn(size_t lane, size_t next) {
    if (lanes_ == 1 || !std::isfinite(budget_.board_seconds)) return true;
    const std::vector<TaskStanding> all = Standings(std::nullopt);
    if (all[next].trials == 0 || all[next].best == 0) return true;
    // What has not begun elsewhere has the first claim on what is left.
    double claimed = 0;
    for (size_t i = 0; i < all.size(); i++) {
      if (members_[i].lane == lane || all[i].finished) continue;
      if (all[i].best > 0 && WorthOf(all[i]) > kWorthWaitingFor * WorthOf(all[next])) return false;
      if (all[i].trials == 0) claimed += all[i].cost;
    }
    const double left = budget_.board_seconds - budget_.board_seconds_used();
    return claimed == 0 || claimed + all[next].cost <= left;
  }

  const std::string& DeviceOf(size_t i) const { return members_[i].bench.task.device.id; }

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
    const bool timed = std::isfinite(budget_.seconds) || std::isfinite(budget_.board_seconds);
    double sum = 0, known = 0;
    for (const TaskStanding& s : standings_) {
      if (s.next.seconds) sum += *s.next.seconds, known++;
    }
    const double usual = known > 0 ? sum / known : 1;
    for (TaskStanding& s : standings_) {
      s.cost = timed ? std::max(1e-6, s.next.seconds.value_or(usual)) : s.next.trials;
      // Of nothing that is left to try.
      if (s.cost == 0) s.cost = 1;
    }
  }

  SuiteSearch Result(std::string why, double seconds) const {
    SuiteSearch suite;
    suite.stopped_because = std::move(why);
    suite.seconds = seconds;
    suite.lost = lost_;
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
  std::mutex observing_;  // taken last
  std::vector<std::unique_ptr<MemberObserver>> observers_;
  std::vector<std::unique_ptr<TaskSearch>> searches_;
  size_t lanes_ = 1;
  Clock::time_point begin_;
  std::atomic<bool> ended_{false};  // by an error

  std::mutex mutex_;  // of what follows; a search is used by its lane alone
  std::condition_variable changed_;
  std::vector<TaskStanding> standings_;
  int trials_in_flight_ = 0;
  std::string stopped_because_;
  std::map<std::string, absl::Status> lost_;  // by device
  absl::Status error_;
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
