#include "rpc_farm/simulated/emulated_kernels.h"

#include <algorithm>
#include <utility>

#include "rpc_farm/read_file.h"
#include "rpc_farm/sha256.h"
#include "targets/counted_cycles.h"
#include "targets/timing_rules.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

// An emulator is far slower than the board: what a board has time for is not cut off at once, and
// no kernel holds the emulator up for longer than a virtual board's run may take.
constexpr milliseconds kShortestLimit{10'000}, kLongestLimit{120'000};
// What did not end in its time is tried again after so many times that: it holds the emulator up
// for a tenth of the time at most.
constexpr int kTimeoutHolds = 10;

// As the tuner asks of a virtual board: operands that fit the last cache stay there between runs.
bool StaysInCache(const CandidateSpec& candidate, int64_t last_level_bytes) {
  const EntrySpec& entry = candidate.entries.front();
  int64_t elements = entry.output.elements();
  for (const BufferSpec& input : entry.inputs) elements += input.elements();
  return elements <= last_level_bytes / 4;
}

// Of all that an emulation follows from: the artifact's bytes, wherever they lie, and the request.
std::string KeyOf(const RunRequest& one) {
  RunRequest named = one;
  named.candidates.front().artifact_path =
      Sha256Hex(ReadFile(one.candidates.front().artifact_path));
  return Sha256Hex(nlohmann::json(named).dump());
}

size_t BytesOf(const std::vector<EntryResult>& entries) {
  size_t bytes = 1024;
  for (const EntryResult& entry : entries) {
    bytes += sizeof entry + sizeof(float) * entry.probe_values.size() + entry.kernel_message.size();
  }
  return bytes;
}

}  // namespace

EmulatedKernels::EmulatedKernels(const Device& device, Emulate emulate, size_t most_bytes, Now now)
    : clock_ghz_(device.clock_ghz),
      last_level_bytes_(device.last_level_bytes()),
      emulate_(std::move(emulate)),
      most_bytes_(most_bytes),
      now_(std::move(now)) {
  for (const ClusterModel& cluster : device.virtual_board.model.clusters) {
    cores_.push_back(cluster.cores);
  }
}

RunOutcome EmulatedKernels::Run(const std::stop_token& stop, const RunRequest& request,
                                milliseconds deadline) {
  const milliseconds limit = std::clamp(deadline, kShortestLimit, kLongestLimit);
  RunOutcome outcome;
  outcome.status = RunStatus::kOk;
  for (const CandidateSpec& candidate : request.candidates) {
    RunRequest one;
    one.mode = RunMode::kCount;
    one.seed = request.seed;
    one.threads = request.threads;
    one.caches_warm = StaysInCache(candidate, last_level_bytes_);
    one.candidates = {candidate};
    // Only the first is interleaved, and it is the same kernel whatever else there is.
    if (request.mode == RunMode::kInterleave) one.candidates.front().entries.resize(1);
    const auto known = Learn(stop, one, KeyOf(one), limit);
    if (known->status != RunStatus::kOk) return {known->status, known->message, {}};
    outcome.reply.candidates.push_back(known->entries);
  }
  return outcome;
}

// What a board asks for that another is having emulated it waits for.
std::shared_ptr<const EmulatedKernels::Known> EmulatedKernels::Learn(const std::stop_token& stop,
                                                                     const RunRequest& one,
                                                                     const std::string& key,
                                                                     milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [&] { return !under_way_.contains(key); });
  if (stop.stop_requested()) {
    return std::make_shared<const Known>(Known{RunStatus::kInfra, "stopped", {}, limit, {}});
  }
  if (auto known = Recall(key, limit)) return known;
  under_way_.insert(key);
  lock.unlock();
  auto known = std::make_shared<const Known>(EmulateNow(stop, one, limit));
  lock.lock();
  under_way_.erase(key);
  changed_.notify_all();
  if (!IsInfrastructureLoss(known->status)) Keep(key, known);
  return known;
}

EmulatedKernels::Known EmulatedKernels::EmulateNow(const std::stop_token& stop,
                                                   const RunRequest& one,
                                                   milliseconds limit) const {
  RunOutcome outcome = emulate_(stop, one, limit);
  Known known{outcome.status, std::move(outcome.message), {}, limit, now_()};
  if (outcome.status != RunStatus::kOk) return known;
  for (EntryResult& entry : outcome.reply.candidates.at(0)) {
    const bool counted = std::all_of(
        entry.regions.begin(), entry.regions.end(),
        [this](const ParallelRegion& region) { return region.cycles.size() == cores_.size(); });
    if (!counted) {
      return {
          RunStatus::kInfra, "a parallel loop was not counted for every kind of core", {}, {}, {}};
    }
    if (WorthTiming(entry)) entry.samples_ns = {CountedCycles(entry, cores_) / clock_ghz_};
    // A board that keeps time tells no counts.
    entry.serial_cycles = 0;
    entry.regions.clear();
    entry.instructions.clear();
    known.entries.push_back(std::move(entry));
  }
  return known;
}

std::shared_ptr<const EmulatedKernels::Known> EmulatedKernels::Recall(const std::string& key,
                                                                      milliseconds limit) {
  const auto found = at_.find(key);
  if (found == at_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found->second);
  const auto& known = kept_.front().known;
  const bool in_doubt =
      known->status == RunStatus::kTimeout &&
      (known->limit < limit || now_() >= known->ended + kTimeoutHolds * known->limit);
  return in_doubt ? nullptr : known;
}

void EmulatedKernels::Keep(const std::string& key, std::shared_ptr<const Known> known) {
  if (const auto found = at_.find(key); found != at_.end()) {
    bytes_ -= found->second->bytes;
    kept_.erase(found->second);
  }
  const size_t bytes = BytesOf(known->entries);
  kept_.push_front({key, std::move(known), bytes});
  at_[key] = kept_.begin();
  bytes_ += bytes;
  while (bytes_ > most_bytes_ && kept_.size() > 1) {
    bytes_ -= kept_.back().bytes;
    at_.erase(kept_.back().key);
    kept_.pop_back();
  }
}

}  // namespace halyard
