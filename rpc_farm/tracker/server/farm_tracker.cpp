// The tracker as a service of its own: see `farm_tracker --help`.
#include <boost/program_options.hpp>
#include <chrono>
#include <iostream>
#include <string>

#include "rpc_farm/security/grpc_log.h"
#include "rpc_farm/service_process.h"
#include "rpc_farm/tracker/server/tracker_server.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

constexpr int kUsage = 2, kInfrastructure = 4;

// The first of SIGINT and SIGTERM, or of the tracker's own trouble.
absl::Status AwaitEnd(const TrackerServer& server, const EndSignals& signals) {
  while (server.health().ok()) {
    if (signals.AwaitFor(std::chrono::seconds(1))) return absl::OkStatus();
  }
  return server.health();
}

int Main(int argc, char** argv) {
  TrackerOptions options;
  pid_t end_with = 0;
  po::options_description flags("farm_tracker: leases a farm's boards to those who ask");
  flags.add_options()("help", "this text")(
      "listen", po::value(&options.address)->default_value(options.address),
      "HOST:PORT for clients and agents")("state", po::value(&options.state)->required(),
                                          "folder that outlives restarts; on a local disk")(
      "certificates", po::value(&options.certificates),
      "the tracker's folder of `tune farm init`; without, the loopback only")(
      "metrics", po::value(&options.metrics), "HOST:PORT of /metrics for Prometheus")(
      kEndWithOption, po::value(&end_with)->value_name("PID"), kEndWithHelp);
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, flags), given);
    if (given.contains("help")) {
      std::cout << flags;
      return 0;
    }
    po::notify(given);
  } catch (const po::error& e) {
    std::cerr << "farm_tracker: " << e.what() << "; see --help\n";
    return kUsage;
  }
  const EndSignals signals;
  if (end_with != 0) EndWithParent(end_with);

  static const FarmLog log("farm_tracker");
  LogGrpcTo(log);
  auto server = TrackerServer::Start(options, log);
  if (!server.ok()) {
    std::cerr << "farm_tracker: " << server.status().message() << "\n";
    return kInfrastructure;
  }
  log.Info("serving", {{"address", options.address},
                       {"port", (*server)->port()},
                       {"metrics_port", (*server)->metrics_port()},
                       {"certificates", !options.certificates.empty()}});
  const absl::Status end = AwaitEnd(**server, signals);
  server->reset();
  log.Info("stopped", {{"why", end.ok() ? "signal" : std::string(end.message())}});
  return end.ok() ? 0 : kInfrastructure;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) { return halyard::Main(argc, argv); }
