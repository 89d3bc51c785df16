// The tracker as a server: its loop, services, certificates and metrics.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/farm_log.h"
#include "rpc_farm/security/farm_limits.h"

namespace halyard {

inline constexpr int kFarmPort = 7879;

struct TrackerOptions {
  std::string address = "127.0.0.1:7879";  // HOST:PORT; port 0: any free one
  std::string state;                       // folder; made where there is none
  std::string certificates;  // the tracker's folder; empty: none, on the loopback only
  std::string metrics;       // HOST:PORT of /metrics; empty: none
  int64_t artifact_bytes = int64_t{2} << 30;
  FarmLimits limits;
};

class TrackerServer {
 public:
  // Serves when it returns. Unavailable: the address is taken, or another tracker has the state.
  // InvalidArgument, FailedPrecondition: what is wrong with an option. `log` must outlive it.
  static absl::StatusOr<std::unique_ptr<TrackerServer>> Start(const TrackerOptions& options,
                                                              const FarmLog& log);
  // Ends its streams, answers what has come, and leaves the state for the next.
  virtual ~TrackerServer() = default;

  virtual int port() const = 0;
  virtual int metrics_port() const = 0;  // 0: none
  // Not OK once it cannot go on: the state cannot be written. Thread-safe.
  virtual absl::Status health() const = 0;
};

}  // namespace halyard
