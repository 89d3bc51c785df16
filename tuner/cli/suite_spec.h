// What `tune suite` is asked for, by its options or by a suite's file.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/cli/farm_options.h"
#include "tuner/cli/listed_tasks.h"
#include "tuner/tune_options.h"

namespace halyard {

struct SuiteDevice {
  Device device;
  FarmOptions farm;
};

struct SuiteTask {
  size_t device = 0;  // of SuiteSpec::devices
  Workload workload;
  int calls = 1;
  double priority = 1;
};

struct SuiteSpec {
  std::string file;    // as given
  std::string sha256;  // of what was asked for
  std::vector<SuiteDevice> devices;
  std::vector<SuiteTask> tasks;   // at least one for each device, and none twice for one
  std::vector<Listing> networks;  // those of the listings that are of networks
  TuneOptions options;            // of all: strategy, seed, log, folder, model, limits
  std::optional<double> board_seconds;
  std::optional<std::chrono::system_clock::time_point> deadline;
  // A night of many: its budget is its own, whatever the log has, and survives a kill; what was
  // shipped is kept where nothing has changed.
  bool nightly = false;
  bool gate = false;
  std::string signing_key;
};

bool IsSuiteFile(const std::string& path);

// Of a suite's file. Errors are those of ReadSuiteFile; InvalidArgument, NotFound: a device, a
// workload or a file that it names, behind file:line.
absl::StatusOr<SuiteSpec> SpecFromFile(const std::string& path);

}  // namespace halyard
