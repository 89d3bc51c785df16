// What kernels answer and how long they take, as the device's virtual board counts it: emulated
// once, told as often as any simulated board asks.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "rpc_farm/executor.h"

namespace halyard {

// Thread-safe.
class EmulatedKernels {
 public:
  // Counts the candidates of a request (RunMode::kCount) on the device's virtual board.
  using Emulate = std::function<RunOutcome(const std::stop_token&, const RunRequest&,
                                           std::chrono::milliseconds)>;
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;

  // `device`: its clock, its cores and its caches. Keeps about `most_bytes` of what it was told.
  EmulatedKernels(const Device& device, Emulate emulate, size_t most_bytes = size_t{64} << 20,
                  Now now = Clock::now);

  // Of every candidate its answers, each with one sample: the nanoseconds it takes where nothing
  // disturbs it, none where the answer is not worth a time. Otherwise the first candidate's
  // failure. Each of them is emulated by itself, once for all boards, and again only where that was
  // not the candidate's doing, or ended for want of time and there is more now, or it was long ago:
  // it may have been this machine that was too slow.
  RunOutcome Run(const std::stop_token& stop, const RunRequest& request,
                 std::chrono::milliseconds deadline);

 private:
  struct Known {
    RunStatus status = RunStatus::kOk;
    std::string message;
    std::vector<EntryResult> entries;
    std::chrono::milliseconds limit{0};  // that it was emulated under
    Clock::time_point ended{};
  };
  struct Kept {
    std::string key;
    std::shared_ptr<const Known> known;
    size_t bytes = 0;
  };

  std::shared_ptr<const Known> Learn(const std::stop_token& stop, const RunRequest& one,
                                     const std::string& key, std::chrono::milliseconds limit);
  Known EmulateNow(const std::stop_token& stop, const RunRequest& one,
                   std::chrono::milliseconds limit) const;
  std::shared_ptr<const Known> Recall(const std::string& key, std::chrono::milliseconds limit);
  void Keep(const std::string& key, std::shared_ptr<const Known> known);

  const double clock_ghz_;
  const int64_t last_level_bytes_;
  std::vector<int> cores_;  // of each kind
  const Emulate emulate_;
  const size_t most_bytes_;
  const Now now_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::set<std::string> under_way_;
  std::list<Kept> kept_;  // the last used first
  std::unordered_map<std::string, std::list<Kept>::iterator> at_;
  size_t bytes_ = 0;
};

}  // namespace halyard
