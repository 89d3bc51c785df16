#include "tests/performance/farm_chaos/bad_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <thread>

#include "targets/counter_rng.h"
#include "targets/device_snapshot.h"
#include "targets/timing_rules.h"
#include "tests/conformance/harmful_kernels.h"
#include "tests/conformance/raw_system_calls.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDeadline{1'500};
// Between runs of one thread: two cores have other boards too.
constexpr milliseconds kPause{400};

}  // namespace

bool IsRightCopy(const RunRequest& request, const EntryResult& result) {
  const std::vector<int64_t>& points = request.candidates[0].entries[0].probe_points;
  for (size_t i = 0; i < points.size(); ++i) {
    const double right = CounterUniform(request.seed, 0, static_cast<uint64_t>(points[i]));
    if (result.probe_values.at(i) != right) return false;
  }
  return WorthTiming(result);
}

BadCandidates::BadCandidates() {
  kinds_ = {{"a copy", "", {RunStatus::kOk}, true},
            {"loop that blocks signals", kLoopBehindBlockedSignals, {RunStatus::kTimeout}},
            {"fork bomb", kForkBomb, {RunStatus::kCrash}},
            {"daemon", kDaemon, {RunStatus::kCrash}},
            {"20 GB", kTwentyGigabytes, {RunStatus::kResource}},
            {"wrong answer", "OUT[N - 1] += 1;", {RunStatus::kOk}},
            {"NaN", "OUT[N / 2] = __builtin_nanf(\"\");", {RunStatus::kOk}},
            {"out of bounds", "OUT[-1] = 1;", {RunStatus::kOk, RunStatus::kCrash}},
            {"reply of its own", kReplyOfItsOwn, {RunStatus::kCrash}}};
  for (const Death& death : kDeaths) {
    kinds_.push_back({fmt::format("death {}", &death - kDeaths), death.body, {RunStatus::kCrash}});
  }
  for (const Kind& kind : kinds_) {
    BuildCKernel(device_, folder_.Path(kind.name), kSystemCalls + (kGoodAnswer + kind.body));
  }
}

void BadCandidates::Run(const std::shared_ptr<FarmClient>& client, uint64_t seed,
                        const std::atomic<bool>& stop) {
  std::mt19937_64 random(seed);
  FarmTarget target;
  target.device = device_.id;
  target.kind = device_.board_kind();
  target.snapshot = DeviceSnapshot(device_).dump();
  const std::atomic<bool> never{false};
  FarmExecutor executor(client, target, never);
  while (!stop) {
    const Kind& kind = kinds_[random() % kinds_.size()];
    Count(kind, executor.Run(ShortRun(device_, folder_.Path(kind.name)), kDeadline));
    std::this_thread::sleep_for(kPause);
  }
}

void BadCandidates::Count(const Kind& kind, const RunOutcome& outcome) {
  bool good = std::count(kind.ends.begin(), kind.ends.end(), outcome.status) > 0;
  if (outcome.status == RunStatus::kOk) {
    const RunRequest asked = ShortRun(device_, "");
    good = good && IsRightCopy(asked, outcome.reply.candidates.at(0).at(0)) == kind.good;
  }
  const bool lost = outcome.status == RunStatus::kInfra || outcome.status == RunStatus::kBoardLost;
  const std::lock_guard lock(mutex_);
  Figures& figures = figures_[kind.name];
  ++(good ? figures.as_it_has_to : lost ? figures.lost : figures.otherwise);
  if (!good && !lost) {
    last_otherwise_ =
        fmt::format("{}: {} {}", kind.name, RunStatusName(outcome.status), outcome.message);
  }
}

int64_t BadCandidates::taken_for_good() const {
  const std::lock_guard lock(mutex_);
  int64_t n = 0;
  for (const auto& [name, figures] : figures_) n += figures.otherwise;
  return n;
}

std::string BadCandidates::Told() const {
  const std::lock_guard lock(mutex_);
  std::string text = "candidates at sandboxed boards, as they have to end / lost by the farm:";
  const char* separator = " ";
  for (const auto& [name, f] : figures_) {
    text += fmt::format("{}{} {}/{}", std::exchange(separator, ", "), name, f.as_it_has_to, f.lost);
    if (f.otherwise > 0) text += fmt::format(" ({} OTHERWISE)", f.otherwise);
  }
  return last_otherwise_.empty() ? text : text + "; the last otherwise: " + last_otherwise_;
}

}  // namespace halyard
