// What a suite's file says: devices, workloads, one budget. The file is TOML:
//
//   [suite]                        # all of it may be left out
//   log = "night.db"               # default tuned.db
//   out = "out"
//   board_minutes = 120            # of all boards together
//   deadline = "06:30"             # local time, the next such; or 2026-11-23T06:30:00Z
//   time = "8h"                    # wall time
//   stop_gain = 0.3                # percent, as --stop-gain
//   strategy = "sa"
//   seed = 1
//   model = "none"                 # as --model
//   sign = "signing_key.pem"       # as tune package --sign
//   gate = true                    # hold each library against the one it takes the place of
//
//   [[device]]
//   id = "rpi4"                    # a listed device, or a file
//   board = "ssh:pi@rpi.lab"       # as --board
//   farm = "farm.lab:7879"         # as --farm, and so on
//   farm_certificates = "certs"
//   farm_tags = "lab,fan"
//   farm_priority = 0
//
//   [[workloads]]
//   file = "resnet50.txt"          # or a network, "net.onnx"; or
//   list = ["gemm 128x768x768  # x12", "softmax 1536x128"]
//   batch = 1                      # of a network, as --batch
//   dims = { sequence = 128 }      # as --dim
//   devices = ["rpi4"]             # default: all
//   priority = 1.0                 # how much a second saved here is worth
//
// Relative paths are meant from the file's folder, whatever the folder that the command runs in.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halyard {

struct SuiteFileDevice {
  std::string id;  // a path where it is a file
  std::string board;
  std::string farm, farm_certificates, farm_tags;
  int farm_priority = 0;
  std::string where;  // "night.toml:7", for messages
};

struct SuiteFileWorkloads {
  std::string file;                // a path; or else:
  std::vector<std::string> lines;  // as in a workload file
  std::optional<int64_t> batch;
  std::map<std::string, int64_t> dims;
  std::vector<std::string> devices;  // as SuiteFileDevice::id was given; empty: all
  double priority = 1;
  std::string where;
};

struct SuiteFile {
  std::string log, out, sign;  // paths; `sign` may be ""
  std::optional<double> board_minutes;
  std::string deadline, time;  // as given, "" where not
  std::optional<double> stop_gain;
  std::optional<std::string> strategy, model;
  std::optional<uint64_t> seed;
  bool gate = true;
  std::vector<SuiteFileDevice> devices;
  std::vector<SuiteFileWorkloads> workloads;
};

// NotFound: no such file. InvalidArgument: one line that begins with file:line, on what is no TOML,
// a key that is not known, or a value that is of another kind.
absl::StatusOr<SuiteFile> ReadSuiteFile(const std::string& path);

// The moment that a deadline means: "06:30" the next one by local time after `now`, else an RFC
// 3339 time with a zone. InvalidArgument: neither, or past.
absl::StatusOr<std::chrono::system_clock::time_point> DeadlineFrom(
    const std::string& text, std::chrono::system_clock::time_point now);

}  // namespace halyard
