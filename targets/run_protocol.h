// What is sent to a board and what comes back: the JSON the board runner reads on stdin and prints
// on stdout. The board sees artifacts and buffer shapes, never a schedule, and never the expected
// answers: it reports what it computed and the host judges.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "targets/board_conditions.h"

namespace halyard {

inline constexpr int kRunProtocolVersion = 4;

// A kernel's code is kilobytes; what is larger than this is no artifact, and no link should carry
// it.
inline constexpr int64_t kMostArtifactBytes = int64_t{64} << 20;

// A dense row-major f32 buffer. `extents` outermost first, as the artifact declares them.
struct BufferSpec {
  std::vector<int64_t> extents;
  int64_t elements() const {
    int64_t n = 1;
    for (int64_t e : extents) n *= e;
    return n;
  }
};

// A function of an artifact that is called once, untimed, before its kernel: it reads input `input`
// and writes `packed`, which the kernel takes in that input's place.
struct PrepareSpec {
  std::string symbol;
  int input = 0;
  BufferSpec packed;
};

// One function of an artifact. Inputs come before the output in its argument list; input i is
// filled with CounterUniform(seed, i, element).
struct EntrySpec {
  std::string symbol;  // Halide's `<symbol>_argv(void**)` must be exported
  std::vector<BufferSpec> inputs;
  std::optional<PrepareSpec> prepare;
  BufferSpec output;
  // Extents of the output as the operator's contract has them (for the projection); same element
  // count as output.extents.
  std::vector<int64_t> canonical_output;
  std::vector<int64_t> probe_points;  // flat output indices whose values are reported
  bool projection = false;            // also report sum(out * product of ProjectionSign)
};

// How a candidate is timed. The checked run touches every page and fills the caches; `warmup_runs`
// more follow where a run takes less than an eighth of the cap. A sample is the mean of as many
// runs in a row as last `min_sample_ns`, or a tenth less. A candidate is given up after its second
// sample where both are slower than `give_up_factor` x `incumbent_ns`, and after its first where
// that is slower than three times as much: on a machine that others use one sample in ten is slow
// by chance, often twofold. No new sample is begun after `cap_ns`. On a virtual board there is no
// clock to disturb: one run, one sample.
struct TimingPolicy {
  int warmup_runs = 1;
  int64_t min_sample_ns = 2'000'000;
  int samples = 5;
  double give_up_factor = 1.5;
  double incumbent_ns = 0;  // 0: none yet
  int64_t cap_ns = 600'000'000;
};

struct CandidateSpec {
  std::string artifact_path;  // ELF shared object, readable by the runner
  std::vector<EntrySpec> entries;
};

enum class RunMode {
  kMeasure,     // time every entry of every candidate under the policy (rounds == 1)
  kInterleave,  // first entry of each candidate, `rounds` rounds in random order, one sample each
  kCount,       // virtual board: run once between the plugin's markers, no clock
  kPeak,        // no candidate: measure FMA peak and copy bandwidth of `threads` cores
};

struct RunRequest {
  int protocol = kRunProtocolVersion;
  RunMode mode = RunMode::kMeasure;
  uint64_t seed = 0;
  int threads = 1;
  // kCount: the operands lie in the caches when a kernel begins, as after a run before it, as far
  // as there is room.
  bool caches_warm = false;
  int rounds = 1;
  TimingPolicy timing;
  std::vector<CandidateSpec> candidates;
};

// A parallel loop the kernel started, as counted on a virtual board. All cycles are the first
// cluster's.
struct ParallelRegion {
  int64_t tasks = 0;
  std::vector<double> cycles;  // of all its tasks, were they run by each kind of core in turn
  double memory_cycles = 0;    // that the memory takes for what all cores read and write
};

struct EntryResult {
  int kernel_error = 0;             // what the kernel returned; nonzero: it refused its arguments
  std::string kernel_message;       // the first error the kernel reported through the runtime
  std::vector<double> samples_ns;   // one mean per sample; empty in kCount mode
  std::vector<float> probe_values;  // at EntrySpec::probe_points
  double projection = 0;
  int64_t poison_left = 0;    // output elements still bearing the poison pattern
  int64_t non_finite = 0;     // NaN or infinite output elements (poison included)
  bool guards_intact = true;  // canaries on both sides of the output untouched
  bool inputs_intact = true;
  bool reruns_agree = true;  // the timed runs left in the output what the checked one left
  // kCount only, filled by the executor from the plugin's report.
  double serial_cycles = 0;
  std::vector<ParallelRegion> regions;
  std::map<std::string, int64_t> instructions;  // class -> executed
};

struct RunReply {
  int protocol = kRunProtocolVersion;
  std::string error;      // not empty: the runner could not do its work (bad ELF, no memory)
  bool rejected = false;  // what the error is of is the request or an artifact, not the board
  std::vector<std::vector<EntryResult>> candidates;  // [candidate][entry]
  double peak_gflops = 0;                            // kPeak
  double copy_gb_per_s = 0;                          // kPeak: bytes read + written per second
  // Right before the first sample and right after the last; not there where no time was taken.
  std::optional<BoardConditions> before, after;
};

// JSON both ways; from_json throws nlohmann::json::exception on anything missing or mistyped.
void to_json(nlohmann::json& j, const RunRequest& r);
void from_json(const nlohmann::json& j, RunRequest& r);
void to_json(nlohmann::json& j, const RunReply& r);
void from_json(const nlohmann::json& j, RunReply& r);

}  // namespace halyard
