#include "tuner/screening.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "fmt/format.h"

namespace halyard {
namespace {

constexpr std::chrono::milliseconds kStopPoll{50};
constexpr int kFirstSamples = 2, kFurtherSamples = 3;
// The share of a batch that is looked at again, and how far behind the incumbent none is.
constexpr size_t kQuarter = 4;
constexpr double kTooFarBehind = 1.2;

}  // namespace

absl::Status Screening::MeasureAll(const std::vector<Config>& configs,
                                   const std::vector<BuildResult>& built,
                                   const std::function<bool()>& stop,
                                   const std::function<TimingPolicy()>& policy,
                                   const std::function<absl::Status(size_t, Record)>& take) {
  if (runner_.boards() == 1 && !runner_.have_queues()) {
    for (size_t i = 0; i < configs.size() && !stop(); i++) {
      absl::Status s = take(i, runner_.Measure(0, configs[i], built[i], policy()));
      if (!s.ok()) return s;
    }
    return absl::OkStatus();
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::optional<Record>> measured(configs.size());
  TimingPolicy now = policy();
  size_t next = 0;
  const auto work = [&](size_t board) {
    std::unique_lock lock(mutex);
    while (next < configs.size()) {
      const size_t i = next++;
      const TimingPolicy mine = now;
      lock.unlock();
      Record record = runner_.Measure(board, configs[i], built[i], mine);
      lock.lock();
      measured[i] = std::move(record);
      changed.notify_one();
    }
  };
  std::vector<std::jthread> boards;
  for (size_t b = 0; b < std::min(runner_.boards(), configs.size()); ++b) {
    boards.emplace_back(work, b);
  }
  absl::Status status;
  std::unique_lock lock(mutex);
  for (size_t i = 0; i < configs.size() && status.ok() && !stop(); i++) {
    while (!measured[i] && !stop()) changed.wait_for(lock, kStopPoll);
    if (!measured[i]) break;
    Record record = *std::move(measured[i]);
    lock.unlock();
    status = take(i, std::move(record));
    lock.lock();
    now = policy();
  }
  next = configs.size();
  lock.unlock();
  // What is at a board is waited for, what waits for one is not: a queue may be as long as a night.
  runner_.MayQueue(false);
  boards.clear();
  runner_.MayQueue(true);
  return status;
}

absl::Status Screening::Screen(const std::vector<Config>& configs,
                               const std::vector<float>& predicted, const Callbacks& callbacks) {
  const bool timed = IsTimed(bench_.task.device.board_kind());
  callbacks.phase(fmt::format("building {}", configs.size()));
  const std::vector<BuildResult> built = runner_.Build(configs);
  callbacks.phase("measuring");
  std::vector<Candidate> ok;
  const auto policy = [&] {
    TimingPolicy p;
    p.incumbent_ns = callbacks.incumbent();
    p.samples = kFirstSamples;
    return p;
  };
  const auto take = [&](size_t i, Record measured) -> absl::Status {
    if (!predicted.empty()) measured.predicted_score = predicted[i];
    const auto record = runner_.Keep(std::move(measured));
    if (!record.ok()) return record.status();
    if (record->outcome == Outcome::kOk) {
      ok.push_back({&configs[i], &built[i], record->samples, record->value()});
    }
    callbacks.taken(configs[i], built[i], *record);
    return absl::OkStatus();
  };
  if (absl::Status s = MeasureAll(configs, built, callbacks.stop, policy, take); !s.ok()) return s;
  return timed && !callbacks.stop() ? Refine(std::move(ok), callbacks) : absl::OkStatus();
}

absl::Status Screening::Refine(std::vector<Candidate> candidates, const Callbacks& callbacks) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  candidates.resize(candidates.size() / kQuarter);
  const double limit = kTooFarBehind * callbacks.incumbent();
  std::erase_if(candidates, [&](const Candidate& c) { return c.value > limit; });
  if (candidates.empty()) return absl::OkStatus();
  callbacks.phase("measuring again");
  std::vector<Config> configs;
  std::vector<BuildResult> built;
  double round_ns = 0;
  for (const Candidate& c : candidates) {
    configs.push_back(*c.config);
    built.push_back(*c.built);
    round_ns += c.value;
  }
  const auto records = runner_.MeasureTogether(configs, built, kFurtherSamples, 1e-9 * round_ns);
  if (!records.ok()) return records.status();
  for (size_t i = 0; i < records->size(); i++) {
    Record all = (*records)[i];
    all.samples.insert(all.samples.end(), candidates[i].samples.begin(),
                       candidates[i].samples.end());
    callbacks.refined(configs[i], all);
  }
  return absl::OkStatus();
}

}  // namespace halyard
