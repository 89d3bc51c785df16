#include "tuner/cli/farm_options.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "rpc_farm/client/farm_executor.h"
#include "rpc_farm/security/grpc_log.h"
#include "targets/device_snapshot.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

// More measurements at once than this a search's order of proposals would not profit from.
constexpr int kMostBoards = 64;
constexpr int kMostPriority = 100;

}  // namespace

void AddFarmOptions(po::options_description& description, FarmOptions& farm) {
  auto add = description.add_options();
  add("farm", po::value(&farm.address),
      "HOST:PORT of a farm, whose boards are used (tune farm up)");
  add("farm-certificates", po::value(&farm.certificates),
      "folder of tune farm enroll (default: $HALYARD_FARM_CERTIFICATES); none on the loopback");
  add("farm-tags", po::value(&farm.tags), "only boards that have these tags: lab,fan");
  add("farm-priority", po::value(&farm.priority)->default_value(0),
      "goes before lower ones; users share fairly at the same");
}

absl::Status CheckFarmOptions(FarmOptions& farm) {
  const char* preset = std::getenv("HALYARD_FARM_CERTIFICATES");
  if (farm.address.empty()) {
    for (const auto& [name, given] : {std::pair{"--farm-certificates", !farm.certificates.empty()},
                                      std::pair{"--farm-tags", !farm.tags.empty()},
                                      std::pair{"--farm-priority", farm.priority != 0}}) {
      if (given) {
        return absl::InvalidArgumentError(fmt::format("{} is for a farm; give --farm too", name));
      }
    }
    return absl::OkStatus();
  }
  const size_t colon = farm.address.rfind(':');
  const std::string port = colon == std::string::npos ? "" : farm.address.substr(colon + 1);
  if (colon == 0 || port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "--farm '{}' is no address; give HOST:PORT, such as 127.0.0.1:7879", farm.address));
  }
  if (std::abs(farm.priority) > kMostPriority) {
    return absl::InvalidArgumentError(fmt::format("--farm-priority is {}; give {} to {}",
                                                  farm.priority, -kMostPriority, kMostPriority));
  }
  if (farm.certificates.empty() && preset != nullptr) farm.certificates = preset;
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::unique_ptr<Executor>>> FarmExecutors(
    const Device& device, const FarmOptions& farm, const std::string& label,
    const std::atomic<bool>& stop) {
  KeepGrpcQuiet();
  auto connected = FarmClient::Connect({farm.address, farm.certificates, LoginName(), label});
  if (!connected.ok()) return connected.status();
  const std::shared_ptr<FarmClient> client = *std::move(connected);
  FarmTarget target{
      device.id, device.board_kind(), DeviceSnapshot(device).dump(), {}, farm.priority};
  target.tags = absl::StrSplit(farm.tags, ',', absl::SkipEmpty());
  std::vector<std::unique_ptr<Executor>> executors;
  int boards = 1;
  while (static_cast<int>(executors.size()) < std::min(boards, kMostBoards)) {
    auto executor = std::make_unique<FarmExecutor>(client, target, stop);
    if (absl::Status s = executor->FindBoards(); !s.ok()) return s;
    boards = executor->boards();
    executors.push_back(std::move(executor));
  }
  return executors;
}

std::string LoginName() {
  const passwd* entry = getpwuid(geteuid());
  return entry == nullptr ? fmt::format("uid-{}", geteuid()) : entry->pw_name;
}

}  // namespace halyard
