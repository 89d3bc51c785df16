// A farm under load: the real tracker as a process, agents that speak its protocol and whose boards
// only wait, clients that keep a number of requests in flight. Prints what came of it and fails
// where a request was lost, or ended twice.
//   farm_load BOARDS CLIENTS IN_FLIGHT RUN_MS SECONDS [KILLS]
// While it runs, the tracker's own figures are at 127.0.0.1:7932/metrics.
// KILLS: the tracker is killed (SIGKILL) so often on the way, and started again.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "rpc_farm/temporary_folder.h"
#include "tests/performance/farm_load/load_client.h"
#include "tests/performance/farm_load/tracker_process.h"
#include "tests/performance/farm_load/waiting_agent.h"

namespace halyard {
namespace {

constexpr int kBoardsPerAgent = 100;

double Quantile(std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
}

std::string StatusOfTracker() {
  const auto stub = farm::v1::Admin::NewStub(NewChannel());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
  farm::v1::FarmStatus status;
  if (!stub->GetStatus(&context, {}, &status).ok()) return "no answer";
  return fmt::format("{} boards, {} run, {:.1f} results/s over the last minute",
                     status.boards_size(), status.running(), status.results_per_second());
}

int Main(int argc, char** argv) {
  if (argc < 6) {
    fmt::print(stderr, "farm_load BOARDS CLIENTS IN_FLIGHT RUN_MS SECONDS [KILLS]\n");
    return 2;
  }
  const int boards = std::atoi(argv[1]), clients = std::atoi(argv[2]),
            in_flight = std::atoi(argv[3]), seconds = std::atoi(argv[5]),
            kills = argc > 6 ? std::atoi(argv[6]) : 0;
  const milliseconds run(std::atoi(argv[4]));
  const TemporaryFolder folder;
  TrackerProcess tracker(folder.path() + "/state");
  std::atomic<bool> stop{false}, stop_agents{false};
  Tally tally;
  std::vector<std::unique_ptr<WaitingAgent>> agents;
  for (int i = 0; i * kBoardsPerAgent < boards; ++i) {
    agents.push_back(std::make_unique<WaitingAgent>(
        i, std::min(kBoardsPerAgent, boards - i * kBoardsPerAgent), run, stop_agents));
  }
  std::vector<std::unique_ptr<Client>> all;
  for (int i = 0; i < clients; ++i) {
    all.push_back(std::make_unique<Client>(i, in_flight / clients, stop, tally));
  }
  std::vector<double> back_s;
  int64_t peak = 0;
  const auto results = [&] {
    const std::lock_guard lock(tally.mutex);
    return tally.results;
  };
  std::this_thread::sleep_for(std::chrono::seconds(kills > 0 ? 5 : 0));
  const auto begin = Clock::now();
  const uint64_t before = results();
  for (int k = 0; k < kills; ++k) {
    std::this_thread::sleep_for(milliseconds(1000 * seconds / kills));
    peak = std::max(peak, tracker.PeakKib());
    const uint64_t at_kill = results();
    tracker.Kill(SIGKILL);
    const auto killed = Clock::now();
    tracker.Start();
    while (results() == at_kill && Clock::now() - killed < std::chrono::seconds(60)) {
      std::this_thread::sleep_for(milliseconds(20));
    }
    back_s.push_back(Ms(Clock::now() - killed) / 1000);
  }
  if (kills == 0) std::this_thread::sleep_for(std::chrono::seconds(seconds));
  const double elapsed = Ms(Clock::now() - begin) / 1000;
  const uint64_t during = results() - before;
  const std::string status = StatusOfTracker();
  peak = std::max(peak, tracker.PeakKib());
  stop = true;
  for (auto& client : all) client->Join();
  stop_agents = true;
  for (auto& agent : agents) agent->Join();
  std::sort(tally.waits_ms.begin(), tally.waits_ms.end());
  fmt::print("{} boards, {} clients, {} in flight, {} ms a run, {:.0f} s: {:.1f} results/s\n",
             boards, clients, in_flight, run.count(), elapsed,
             static_cast<double>(during) / elapsed);
  fmt::print("submission to result: median {:.0f} ms, p99 {:.0f}, longest {:.0f}\n",
             Quantile(tally.waits_ms, 0.5), Quantile(tally.waits_ms, 0.99),
             Quantile(tally.waits_ms, 1));
  fmt::print("tracker: {} MiB at most; {}\n", peak / 1024, status);
  if (kills > 0) {
    std::sort(back_s.begin(), back_s.end());
    fmt::print("killed {} times: the next result after {:.1f} s at the median, {:.1f} s at most\n",
               kills, Quantile(back_s, 0.5), back_s.back());
  }
  fmt::print("{} results, {} lost, {} ended twice, {} never ended, {} submits failed\n",
             tally.results, tally.lost, tally.twice, tally.unacknowledged, tally.failed_submits);
  const bool good = tally.twice == 0 && tally.unacknowledged == 0 && tally.failed_submits == 0 &&
                    (kills > 0 || tally.lost == 0);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) { return halyard::Main(argc, argv); }
