// The judge of a run: has kernels run by a worker in another process, keeps a clock of its own, and
// believes of what it is told only what it sees. What kernels can do to their process, they cannot
// do to this one's memory.
//
// What it sees through: a kernel that leaves its output, or part of it, as it was, at any timed
// run; that says it is done before it is; that makes its runs look shorter than they were, by more
// than kSlackNs and a fiftieth of a sample; that does one run where it was asked for many. What it
// does not: a kernel that keeps its answer and copies it while the inputs stay what they were; one
// that leaves out two of three of its runs in a row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "targets/judge/handover.h"
#include "targets/judge/judged_entry.h"
#include "targets/run_protocol.h"

namespace halyard {

// When a place of the output that was poisoned in the middle of many runs was written again.
enum class Rewriting {
  kInTime,    // by the next run
  kInTheEnd,  // by a later one, or it was not seen: few of them write, or none had a core to run on
  kNever,     // though runs came after it
};

class Judge {
 public:
  // `memory`: the descriptor of what is shared with the worker.
  Judge(JudgesEnd* worker, int memory, uint64_t seed)
      : worker_(*worker), memory_(memory), seed_(seed) {}

  // Thrown where there can be no result: the worker is gone or broke the protocol.
  struct WorkerGone {};
  // Thrown where something could not be done.
  struct Failed {
    std::string why;
    bool rejected;
  };

  // All of these throw WorkerGone, and Load throws Failed and std::bad_alloc.
  // Slots are numbered from 0, and what was in one is forgotten.
  void Load(uint32_t slot, const EntrySpec& spec, uint32_t candidate, uint32_t entry,
            int64_t offset);
  // One run on a poisoned output, prepared: everything of EntryResult but the samples.
  EntryResult CheckedRun(uint32_t slot);
  // The same between the markers of a virtual board.
  EntryResult CountedRun(uint32_t slot, bool caches_warm);
  // Nanoseconds a run takes, of `runs` in a row.
  double Time(uint32_t slot, int64_t runs, EntryResult* result);
  // Looks whether the output is written again and again while the kernel runs, where a run takes
  // `run_ns`. Leaves poison behind.
  Rewriting Watch(uint32_t slot, double run_ns);
  // Whether the last run left all of the output as the checked run did.
  void CheckOutput(uint32_t slot, EntryResult* result) const;
  void CheckIntegrity(uint32_t slot, EntryResult* result) const;
  void End();

 private:
  Answer Request(const Ask& ask);
  EntryResult Checked(Ask run, bool even_unprepared);
  enum class Credit { kGiven, kAskedAgain, kRefused };
  double TimeOnce(uint32_t slot, int64_t runs, EntryResult* result, Credit* credit);
  // Nothing: the runs were over before it could be seen.
  std::optional<Rewriting> WatchOnce(uint32_t slot, double run_ns, int64_t runs);

  JudgesEnd& worker_;
  const int memory_;
  const uint64_t seed_;
  std::vector<std::unique_ptr<JudgedEntry>> entries_;  // by slot
  std::mt19937_64 chance_{std::random_device{}()};
};

}  // namespace halyard
