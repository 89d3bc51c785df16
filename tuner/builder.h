// Building: (workload, config, device) -> artifact or a typed failure, in a child process with a
// deadline and a memory cap, several at a time.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/record.h"
#include "targets/run_protocol.h"

namespace halyard {

enum class BuildKind {
  kConfig,         // a config of the task's space; for a virtual board, of its probe workloads
  kWholeObject,    // the same of the whole workload, as an object file `symbol` for a library
  kGenericObject,  // the operator's fall-back for shapes never tuned, as an object file `symbol`
  kRuntime,        // the device's Halide runtime, as an object file
  kAdams2019,      // the whole workload scheduled by Halide's Adams2019 autoscheduler
};

struct BuildRequest {
  BuildKind kind = BuildKind::kConfig;
  std::string workload;  // canonical text (kGenericObject: the operator's name)
  std::string config;    // ScheduleSpace text, kConfig and kWholeObject only
  std::string device;    // Device::loaded_from
  std::string symbol = "kernel";
};

// What a kernel holds of its runtime's memory at once, at most.
struct ScratchBytes {
  int64_t once = 0;         // whatever the threads
  int64_t each_thread = 0;  // and this for each thread that works for it
};

struct BuildResult {
  Outcome outcome =
      Outcome::kInfraError;  // ok | build_error | build_timeout | resource_limit | infra_error
  std::string message;       // one line
  std::string path;          // the artifact; owned by the builder, gone with it
  std::string sha256;
  std::vector<EntrySpec> entries;  // one per probe size, in ProbePlan's order; no probe points yet
  // kWholeObject, where it is known ahead; what is done ahead of the kernel included.
  std::optional<ScratchBytes> scratch = std::nullopt;
  double seconds = 0;
};

class Builder {
 public:
  virtual ~Builder() = default;
  // Results in the order of the requests.
  virtual std::vector<BuildResult> Build(const std::vector<BuildRequest>& requests) = 0;
  // Compiler, linker and their flags, for the record.
  virtual std::string compiler() const = 0;
};

struct BuilderOptions {
  int jobs = 2;
  std::chrono::milliseconds deadline{20'000};
  int64_t memory_bytes = int64_t{4} << 30;
};

// Builds in worker processes of this same program (`tune build-worker`), each of which has the
// compiler loaded and forks once per candidate, so that a candidate costs no start-up and its crash
// nothing else. Infra failures of a worker are answered by starting it again, once per request.
absl::StatusOr<std::unique_ptr<Builder>> MakeWorkerBuilder(const BuilderOptions& options);

// The worker's side: serves requests from stdin until it closes. Returns the exit code.
int BuildWorkerMain();

}  // namespace halyard
