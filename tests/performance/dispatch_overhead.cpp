// dispatch_overhead RUNS: what a measurement through the farm takes beyond the same one by the
// local runner, in a sandbox both, one of each in turns: a real tracker, a real agent, the board of
// this machine, the artifact there already.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <thread>
#include <vector>

#include "rpc_farm/sandbox/sandbox.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_network/farm_network.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

double Quantile(std::vector<double> values, double q) {
  const auto at =
      values.begin() + static_cast<ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

int Main(int runs) {
  const TrackerProgram tracker;
  const Device device = LoadDevice("host").value();
  const AgentProcess agent(
      tracker.address(),
      R"({"boards": [{"name": "here", "device": "host", "board": "local", "shared": true}]})",
      {"--canary-seconds", "3600"});
  FarmClientOptions options;
  options.address = tracker.address();
  options.user = "dispatch";
  FarmTarget target;
  target.device = device.id;
  target.kind = device.board_kind();
  target.snapshot = DeviceSnapshot(device).dump();
  const std::atomic<bool> stop{false};
  FarmExecutor farm(FarmClient::Connect(options).value(), target, stop);
  while (!farm.FindBoards().ok()) std::this_thread::sleep_for(milliseconds(50));
  const auto local =
      MakeExecutor(device, std::shared_ptr<const Sandbox>(Sandbox::Make().value())).value();

  const ScratchFolder folder;
  BuildCKernel(device, folder.Path("kernel.so"), "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
  const RunRequest request = ShortRun(device, folder.Path("kernel.so"));
  const auto time = [&](Executor& executor) {
    const auto begin = Clock::now();
    const RunOutcome outcome = executor.Run(request, milliseconds(10'000));
    if (outcome.status != RunStatus::kOk) fmt::print(stderr, "{}\n", outcome.message);
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  };
  time(*local), time(farm);
  std::vector<double> here, there;
  for (int i = 0; i < runs; ++i) {
    here.push_back(time(*local));
    there.push_back(time(farm));
  }
  for (const auto& [name, values] : {std::pair("local", here), std::pair("farm", there)}) {
    fmt::print("{:6} median {:.2f} ms, p90 {:.2f}, least {:.2f}\n", name, Quantile(values, 0.5),
               Quantile(values, 0.9), Quantile(values, 0));
  }
  fmt::print("dispatch takes {:.2f} ms at the median of {} runs\n",
             Quantile(there, 0.5) - Quantile(here, 0.5), runs);
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  const int runs = argc == 2 ? std::atoi(argv[1]) : 0;
  if (runs >= 1) return halyard::Main(runs);
  fmt::print(stderr, "dispatch_overhead RUNS, such as dispatch_overhead 500\n");
  return 2;
}
