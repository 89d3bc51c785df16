#include "tests/integration/farm_network/farm_network.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "absl/time/clock.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/security/certificate_files.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/holder_folder.h"
#include "rpc_farm/security/server_setup.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

const Device& Pi() {
  static const Device device = LoadDevice("rpi4", "virtual").value();
  return device;
}

}  // namespace

TrackerProgram::TrackerProgram(std::vector<std::string> more, std::vector<std::string> variables) {
  std::vector<std::string> argv = {HALYARD_FARM_TRACKER, "--listen", "127.0.0.1:0", "--state",
                                   folder_.Path("state")};
  argv.insert(argv.end(), more.begin(), more.end());
  process_ = std::make_unique<LoggedProcess>(argv, folder_.Path("log"), variables);
  if (!process_->AwaitEvents("serving", 1, kFarmSoon)) {
    throw std::runtime_error("the tracker does not serve: " + process_->Log());
  }
  port_ = process_->Events("serving").at(0)["port"];
}

farm::v1::FarmStatus TrackerProgram::Status(const std::string& credentials) const {
  const auto channel = grpc::CreateCustomChannel(
      address(), ChannelCredentialsFrom(credentials, address()).value(), FarmChannelArguments());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kFarmSoon);
  farm::v1::FarmStatus status;
  const grpc::Status got = farm::v1::Admin::NewStub(channel)->GetStatus(&context, {}, &status);
  EXPECT_TRUE(got.ok()) << got.error_message();
  return status;
}

NetworkFarm::NetworkFarm(bool certificates) : certificates_(certificates) {
  std::vector<std::string> more;
  if (certificates_) {
    const std::string authority = folder_.Path("ca");
    const auto made =
        CertificateAuthority::Create(authority, {"localhost", "127.0.0.1"}, "root", absl::Now());
    if (!made.ok()) throw std::runtime_error(made.ToString());
    more = {"--certificates", authority + "/tracker"};
  }
  tracker_ = std::make_unique<TrackerProgram>(more);
}

std::string NetworkFarm::FolderOf(FarmRole role, const std::string& name) {
  if (!certificates_) return "";
  const std::string folder = folder_.Path(name);
  if (std::filesystem::exists(folder)) return folder;
  auto authority = CertificateAuthority::Open(folder_.Path("ca")).value();
  const absl::Time now = absl::Now();
  const auto enrolment =
      authority.Issue({role, name}, {}, {now - kClockAllowance, now + absl::Hours(1)}, now);
  const absl::Status written = WriteHolderFolder(folder, enrolment.value());
  if (!written.ok()) throw std::runtime_error(written.ToString());
  return folder;
}

std::string NetworkFarm::AddressOf(const FarmProxy* proxy) const {
  return proxy == nullptr ? tracker_->address() : fmt::format("127.0.0.1:{}", proxy->port());
}

farm::v1::FarmStatus NetworkFarm::Status() const {
  return tracker_->Status(certificates_ ? folder_.Path("ca/admin") : "");
}

farm::v1::FarmStatus::Board NetworkFarm::Board(const std::string& name) const {
  const farm::v1::FarmStatus status = Status();
  for (const auto& board : status.boards()) {
    if (board.name() == name) return board;
  }
  return {};
}

std::unique_ptr<AgentProcess> NetworkFarm::StartAgent(const std::string& name, int boards,
                                                      const FarmProxy* proxy) {
  std::vector<std::string> more;
  if (certificates_) more = {"--certificates", FolderOf(FarmRole::kAgent, name)};
  const std::string file =
      fmt::format(R"({{"boards": [{{"name": "{0}", "device": "rpi4", "board": "virtual",
                      "count": {1}, "tags": ["{0}"]}}]}})",
                  name, boards);
  return std::make_unique<AgentProcess>(AddressOf(proxy), file, more, name);
}

std::unique_ptr<FarmProxy> NetworkFarm::StartProxy() const {
  return FarmProxy::Start("127.0.0.1:0", tracker_->address()).value();
}

std::shared_ptr<FarmClient> NetworkFarm::Connect(const std::string& name, const FarmProxy* proxy,
                                                 std::chrono::seconds patience) {
  FarmClientOptions options;
  options.address = AddressOf(proxy);
  options.certificates = FolderOf(FarmRole::kClient, name);
  options.user = name;
  options.patience = patience;
  return FarmClient::Connect(options).value();
}

FarmTarget NetworkFarm::BoardOf(const std::string& agent) {
  FarmTarget target;
  target.device = Pi().id;
  target.kind = Pi().board_kind();
  target.snapshot = DeviceSnapshot(Pi()).dump();
  target.tags = {agent};
  return target;
}

RunRequest NetworkFarm::SleepingRun(int ms) {
  const std::string path = folder_.Path(fmt::format("sleeps-{}.so", ms));
  // nanosleep(2) of arm64. A virtual board calls its kernel once.
  const std::string body = fmt::format(
      "long time[2] = {{{}, {}}};\n"
      "register long number __asm__(\"x8\") = 101, left __asm__(\"x1\") = 0;\n"
      "register long* first __asm__(\"x0\") = time;\n"
      "__asm__ volatile(\"svc 0\" : \"+r\"(first) : \"r\"(number), \"r\"(left) : \"memory\");\n"
      "for (long i = 0; i < N; ++i) OUT[i] = IN[i];",
      ms / 1000, ms % 1000 * 1'000'000);
  if (!std::filesystem::exists(path)) BuildCKernel(Pi(), path, body);
  return ShortRun(Pi(), path);
}

bool NetworkFarm::SoonLive(int boards) const {
  for (int i = 0; i < 600; ++i) {
    const farm::v1::FarmStatus status = Status();
    int live = 0;
    for (const auto& board : status.boards()) live += board.live() && board.health() == "ready";
    if (live == boards) return true;
    std::this_thread::sleep_for(milliseconds(50));
  }
  return false;
}

}  // namespace halyard
