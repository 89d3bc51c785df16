// What a list of workloads or a network consists of, for people and for programs, before or after
// it is tuned.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "logs/measurement_log.h"
#include "schedules/onnx/network.h"
#include "schedules/workload_file.h"
#include "targets/device.h"

namespace halyard {

// As a workload file has it: "gemm 128x768x768,packed=1".
std::string ListedText(const Workload& workload);

struct Listing {
  std::string file;
  std::vector<ListedWorkload> tasks;
  std::optional<Network> network;    // whose tasks they are, where it is one
  std::string device;                // whose times, or ""
  std::vector<double> best_ms = {};  // of one call, one a task, 0 where not measured; or none
};

// Milliseconds of one call of each workload by the best record that the log has of the device as it
// is now; 0 where it has none.
absl::StatusOr<std::vector<double>> BestMilliseconds(const MeasurementLog& log,
                                                     const Device& device,
                                                     const std::vector<ListedWorkload>& tasks);

// A table within 80 columns; ends with a newline. Shares are of the multiplications and additions
// of all calls (Operator::Flops), and of their best times where all are known.
std::string ListingText(const Listing& listing);
nlohmann::json ListingJson(const Listing& listing);

// The part on nodes of a network that nothing here computes; "" where there are none.
std::string NotCoveredText(const Network& network);
nlohmann::json NotCoveredJson(const Network& network);

}  // namespace halyard
