#include "tests/integration/farm_network/farm_network.h"

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>
#include <thread>

#include "absl/time/clock.h"
#include "rpc_farm/security/certificate_authority.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_security/enrolment.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;

const Device& Pi() {
  static const Device device = LoadDevice("rpi4", "virtual").value();
  return device;
}

}  // namespace

NetworkFarm::NetworkFarm(bool certificates, std::vector<std::string> variables)
    : certificates_(certificates), variables_(std::move(variables)) {
  std::vector<std::string> more;
  if (certificates_) {
    const std::string authority = folder_.Path("ca");
    const auto made =
        CertificateAuthority::Create(authority, {"localhost", "127.0.0.1"}, "root", absl::Now());
    if (!made.ok()) throw std::runtime_error(made.ToString());
    more = {"--certificates", authority + "/tracker"};
  }
  tracker_ = std::make_unique<TrackerProgram>(more, variables_);
}

std::string NetworkFarm::FolderOf(FarmRole role, const std::string& name) {
  if (!certificates_) return "";
  const std::string folder = folder_.Path(name);
  if (std::filesystem::exists(folder)) return folder;
  return EnrollInto(folder, folder_.Path("ca"), {role, name}, ValidFor(absl::Hours(1)));
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
  return std::make_unique<AgentProcess>(AddressOf(proxy), file, more, name, variables_);
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

absl::StatusOr<farm::v1::RequestResult> NetworkFarm::Measure(FarmClient& client,
                                                             const std::string& agent,
                                                             RunRequest run, milliseconds lease,
                                                             const std::atomic<bool>& stop) {
  std::vector<FarmArtifact> artifacts;
  if (const absl::Status s = NameArtifacts(&run, &artifacts); !s.ok()) return s;
  farm::v1::SubmitRequest submit;
  submit.set_device(Pi().id);
  submit.add_tags(agent);
  submit.set_time_limit_ms(static_cast<uint64_t>(lease.count()));
  submit.mutable_job()->set_run_request(nlohmann::json(run).dump());
  // Of the run itself: not what these tests are about.
  submit.mutable_job()->set_deadline_ms(60'000);
  for (const FarmArtifact& a : artifacts) {
    auto* artifact = submit.mutable_job()->add_artifacts();
    artifact->set_sha256(a.sha256);
    artifact->set_size(a.size);
  }
  return client.Measure(submit, artifacts, stop, stop, [] { return absl::OkStatus(); });
}

bool NetworkFarm::SoonLive(int boards) const {
  return Eventually([&] {
    const farm::v1::FarmStatus status = Status();
    int live = 0;
    for (const auto& board : status.boards()) live += board.live() && board.health() == "ready";
    return live == boards;
  });
}

bool NetworkFarm::Eventually(const std::function<bool()>& condition, milliseconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return true;
}

}  // namespace halyard
