// --farm: a farm's boards in the place of this machine's.
#pragma once

#include <atomic>
#include <boost/program_options.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

struct FarmOptions {
  std::string address;       // HOST:PORT; empty: no farm
  std::string certificates;  // a client's folder; empty: none
  std::string tags;          // separated by commas
  int priority = 0;
};

// --farm, --farm-certificates, --farm-tags, --farm-priority.
void AddFarmOptions(boost::program_options::options_description& description, FarmOptions& farm);

// InvalidArgument: names the option that is wrong. --farm-certificates has its default from the
// environment's HALYARD_FARM_CERTIFICATES.
absl::Status CheckFarmOptions(FarmOptions& farm);

// One executor for each board that could run the device's candidates, the farm's limit at most.
// `label` tells others what the boards are used for. Errors are those of FarmClient::Connect and
// FarmExecutor::FindBoards. `stop` must outlive them.
absl::StatusOr<std::vector<std::unique_ptr<Executor>>> FarmExecutors(const Device& device,
                                                                     const FarmOptions& farm,
                                                                     const std::string& label,
                                                                     const std::atomic<bool>& stop);

// Who asks where there are no certificates.
std::string LoginName();

}  // namespace halyard
