// simulated_farm_load AGENTS BOARDS CLIENTS SECONDS: real agents with BOARDS simulated boards each
// at one tracker, CLIENTS that each keep one run of the same kernel in flight. The boards keep no
// pace with the clock, so that what is measured is the farm itself. Prints what an agent takes and
// the results a second.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "rpc_farm/client/farm_executor.h"
#include "rpc_farm/tracker/server/tracker_server.h"
#include "targets/device_snapshot.h"
#include "tests/conformance/test_artifacts.h"
#include "tests/integration/farm_agent/agent_process.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// "VmHWM" in KiB, "Threads".
int64_t OfProcess(pid_t pid, const std::string& field) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(field + ":", 0) == 0) return std::atoll(line.c_str() + field.size() + 1);
  }
  return 0;
}

std::string BoardsFile(int agent, int boards) {
  return fmt::format(R"({{"boards": [{{"name": "sim-{}", "device": "rpi4", "board": "simulated",
      "count": {}, "simulation": {{"noise": 0.02, "speed_spread": 0.1, "pace": 0}}}}]}})",
                     agent, boards);
}

int Main(int agents, int boards, int clients, int seconds) {
  const ScratchFolder folder;
  const FarmLog log("farm_tracker");
  TrackerOptions options;
  options.address = "127.0.0.1:0";
  options.state = folder.Path("state");
  const auto tracker = TrackerServer::Start(options, log).value();
  const std::string address = fmt::format("127.0.0.1:{}", tracker->port());
  const auto started = Clock::now();
  std::vector<std::unique_ptr<AgentProcess>> processes;
  for (int i = 1; i <= agents; ++i) {
    processes.push_back(std::make_unique<AgentProcess>(
        address, BoardsFile(i, boards), std::vector<std::string>{}, fmt::format("agent-{}", i)));
  }
  FarmClientOptions client_options;
  client_options.address = address;
  client_options.user = "load";
  const std::shared_ptr<FarmClient> client = FarmClient::Connect(client_options).value();
  const Device device = LoadDevice("rpi4", "simulated").value();
  FarmTarget target;
  target.device = device.id;
  target.kind = device.board_kind();
  target.snapshot = DeviceSnapshot(device).dump();
  const std::atomic<bool> stop{false};
  FarmExecutor first(client, target, stop);
  while (!first.FindBoards().ok() || first.boards() < agents * boards) {
    std::this_thread::sleep_for(milliseconds(50));
    if (Clock::now() - started < std::chrono::minutes(3)) continue;
    fmt::print(stderr, "{} of {} boards after three minutes\n", first.boards(), agents * boards);
    return 1;
  }
  fmt::print("{} boards of {} agents are there after {:.1f} s\n", first.boards(), agents,
             std::chrono::duration<double>(Clock::now() - started).count());

  const std::string kernel = folder.Path("kernel.so");
  BuildCKernel(device, kernel, "for (long i = 0; i < N; ++i) OUT[i] = IN[i];");
  const RunRequest request = ShortRun(device, kernel);
  if (const RunOutcome run = first.Run(request, milliseconds(20'000));
      run.status != RunStatus::kOk) {
    fmt::print(stderr, "{}\n", run.message);
    return 1;
  }
  std::atomic<int64_t> ok{0}, other{0};
  const auto begin = Clock::now(), end = begin + std::chrono::seconds(seconds);
  std::vector<std::jthread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      FarmExecutor executor(client, target, stop);
      while (Clock::now() < end) {
        const RunOutcome run = executor.Run(request, milliseconds(20'000));
        ++(run.status == RunStatus::kOk ? ok : other);
      }
    });
  }
  threads.clear();
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  fmt::print("{} results in {:.1f} s, {:.0f} a second; {} not ok\n", ok.load(), took,
             static_cast<double>(ok) / took, other.load());
  int64_t agent_kib = 0, host_kib = 0, most_threads = 0;
  size_t hosts = 0;
  for (const auto& process : processes) {
    agent_kib = std::max(agent_kib, OfProcess(process->pid(), "VmHWM"));
    most_threads = std::max(most_threads, OfProcess(process->pid(), "Threads"));
    for (const pid_t below : process->Below()) {
      host_kib = std::max(host_kib, OfProcess(below, "VmHWM"));
      ++hosts;
    }
  }
  fmt::print(
      "an agent: at most {:.1f} MiB, {} threads; {} board hosts in all, at most {:.1f} MiB\n",
      static_cast<double>(agent_kib) / 1024, most_threads, hosts,
      static_cast<double>(host_kib) / 1024);
  return other == 0 ? 0 : 1;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  std::vector<int> numbers;
  for (int i = 1; i < argc; ++i) numbers.push_back(std::atoi(argv[i]));
  if (argc != 5 || *std::min_element(numbers.begin(), numbers.end()) < 1) {
    fmt::print(stderr,
               "simulated_farm_load AGENTS BOARDS CLIENTS SECONDS: four positive numbers\n");
    return 2;
  }
  return halyard::Main(numbers[0], numbers[1], numbers[2], numbers[3]);
}
