// A farm under load: the real tracker as a process, agents that speak its protocol and whose boards
// only wait, clients that keep a number of requests in flight. Prints what came of it and fails
// where a request was lost, or ended twice.
//   farm_load BOARDS CLIENTS IN_FLIGHT RUN_MS SECONDS [KILLS]
// While it runs, the tracker's own figures are at 127.0.0.1:7932/metrics.
// KILLS: the tracker is killed (SIGKILL) so often on the way, and started again.
#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "farm.grpc.pb.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/server_setup.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

using Clock = std::chrono::steady_clock;
using farm::v1::AgentMessage;
using farm::v1::RequestResult;
using farm::v1::TrackerMessage;
using std::chrono::milliseconds;

constexpr char kAddress[] = "127.0.0.1:7931", kMetrics[] = "127.0.0.1:7932";
constexpr int kBoardsPerAgent = 100;

double Ms(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

std::shared_ptr<grpc::Channel> NewChannel() {
  grpc::ChannelArguments arguments = FarmChannelArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(kAddress, grpc::InsecureChannelCredentials(), arguments);
}

// ---- the tracker

class TrackerProcess {
 public:
  explicit TrackerProcess(std::string state) : state_(std::move(state)) { Start(); }
  ~TrackerProcess() { Kill(SIGTERM); }

  void Start() {
    const std::string program = FARM_TRACKER;
    std::vector<std::string> argv = {program, "--listen",  kAddress, "--state",
                                     state_,  "--metrics", kMetrics};
    std::vector<char*> pointers;
    for (std::string& a : argv) pointers.push_back(a.data());
    pointers.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const std::string log = state_ + ".log";
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    posix_spawn(&pid_, program.c_str(), &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
  }
  void Kill(int signal) {
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
  }
  // VmHWM: the most memory it had.
  int64_t PeakKib() const {
    std::ifstream file(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::atoll(line.c_str() + 6);
    }
    return 0;
  }

 private:
  std::string state_;
  pid_t pid_ = 0;
};

// ---- agents

// An agent whose boards take `run` for anything, more or less a fifth.
class WaitingAgent {
 public:
  WaitingAgent(int index, int boards, milliseconds run, const std::atomic<bool>& stop)
      : index_(index), boards_(boards), run_(run), stop_(stop), thread_([this] { Live(); }) {}
  void Join() { thread_.join(); }

 private:
  struct Due {
    Clock::time_point when;
    farm::v1::Lease lease;
    bool operator<(const Due& other) const { return when > other.when; }
  };

  void Live() {
    while (!stop_) {
      Converse();
      if (!stop_) std::this_thread::sleep_for(milliseconds(300));
    }
  }

  void Converse() {
    grpc::ClientContext context;
    const auto stub = farm::v1::Agents::NewStub(NewChannel());
    const auto stream = stub->Connect(&context);
    std::mutex mutex;  // of writing, due_ and untaken_
    AgentMessage hello;
    hello.mutable_hello()->set_protocol(kFarmProtocolVersion);
    hello.mutable_hello()->set_agent(fmt::format("agent-{}", index_));
    for (int i = 0; i < boards_; ++i) {
      auto* board = hello.mutable_hello()->add_boards();
      board->set_name(fmt::format("board-{}-{}", index_, i));
      board->set_device("waiting");
      board->set_kind("physical");
    }
    for (const auto& [board, lease] : open_) *hello.mutable_hello()->add_running() = lease;
    if (!stream->Write(hello)) return (void)stream->Finish();
    std::atomic<bool> ended{false};
    std::thread writer([&] {
      auto heartbeat = Clock::now();
      while (!ended && !stop_) {
        std::this_thread::sleep_for(milliseconds(2));
        const std::lock_guard lock(mutex);
        const auto now = Clock::now();
        if (now - heartbeat > std::chrono::seconds(10)) {
          heartbeat = now;
          AgentMessage beat;
          beat.mutable_heartbeat();
          stream->Write(beat);
        }
        while (!due_.empty() && due_.top().when <= now) {
          const Due due = due_.top();
          due_.pop();
          const auto at = open_.find(due.lease.board());
          if (at == open_.end() || at->second.epoch() != due.lease.epoch()) continue;  // stopped
          untaken_[due.lease.board()] = due.lease;
          Tell(*stream, due.lease, false);
        }
      }
      context.TryCancel();
    });
    TrackerMessage message;
    while (stream->Read(&message)) {
      const std::lock_guard lock(mutex);
      if (message.has_welcome()) {
        for (const auto& [board, lease] : untaken_) Tell(*stream, lease, false);
      } else if (message.has_run()) {
        const farm::v1::Lease& lease = message.run().lease();
        std::uniform_real_distribution<double> factor(0.8, 1.2);
        open_[lease.board()] = lease;
        due_.push(
            {Clock::now() + milliseconds(static_cast<int>(run_.count() * factor(random_))), lease});
      } else if (message.has_stop()) {
        open_.erase(message.stop().lease().board());
        Tell(*stream, message.stop().lease(), true);
      } else if (message.has_taken()) {
        untaken_.erase(message.taken().lease().board());
        const auto at = open_.find(message.taken().lease().board());
        if (at != open_.end() && at->second.epoch() == message.taken().lease().epoch()) {
          open_.erase(at);
        }
      }
    }
    ended = true;
    writer.join();
    (void)stream->Finish();
  }

  template <typename Stream>
  static void Tell(Stream& stream, const farm::v1::Lease& lease, bool lost) {
    AgentMessage done;
    *done.mutable_run_done()->mutable_lease() = lease;
    done.mutable_run_done()->set_infrastructure_loss(lost);
    done.mutable_run_done()->mutable_result()->set_status("ok");
    done.mutable_run_done()->mutable_result()->set_reply(lease.request());
    stream.Write(done);
  }

  const int index_, boards_;
  const milliseconds run_;
  const std::atomic<bool>& stop_;
  std::mt19937 random_{static_cast<unsigned>(index_)};
  std::map<std::string, farm::v1::Lease> open_, untaken_;  // by board
  std::priority_queue<Due> due_;
  std::thread thread_;
};

// ---- clients

struct Tally {
  std::mutex mutex;
  std::vector<double> waits_ms;  // from submission to the result's arrival
  uint64_t results = 0, lost = 0, twice = 0, unacknowledged = 0, failed_submits = 0;
};

class Client {
 public:
  Client(int index, int in_flight, const std::atomic<bool>& stop, Tally& tally)
      : index_(index),
        in_flight_(in_flight),
        stop_(stop),
        tally_(tally),
        stub_(farm::v1::Farm::NewStub(NewChannel())),
        thread_([this] { Live(); }) {}
  void Join() { thread_.join(); }

 private:
  template <typename Call>
  grpc::Status Patiently(Call call) {
    while (true) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
      const grpc::Status status = call(context);
      if (status.error_code() != grpc::UNAVAILABLE &&
          status.error_code() != grpc::DEADLINE_EXCEEDED) {
        return status;
      }
      if (stop_) return status;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }

  void Submit() {
    farm::v1::SubmitRequest submit;
    submit.set_session(session_);
    submit.set_number(++last_);
    submit.set_device("waiting");
    submit.set_time_limit_ms(120'000);
    submit.mutable_job()->set_run_request(std::string(2000, ' '));
    submitted_[last_] = Clock::now();
    farm::v1::SubmitReply reply;
    const grpc::Status status = Patiently(
        [&](grpc::ClientContext& context) { return stub_->Submit(&context, submit, &reply); });
    if (!status.ok() && status.error_code() != grpc::ALREADY_EXISTS) {
      submitted_.erase(last_);
      const std::lock_guard lock(tally_.mutex);
      tally_.failed_submits++;
      fmt::print(stderr, "submit: {}\n", status.error_message());
    }
  }

  // Whether it is the request's first end.
  bool Take(const RequestResult& result) {
    const auto at = submitted_.find(result.number());
    const std::lock_guard lock(tally_.mutex);
    if (at == submitted_.end()) {
      // Sent again because its acknowledgement had not come through is right; after one that had,
      // it would be a second end.
      if (acknowledged_.contains(result.number())) tally_.twice++;
      return false;
    }
    tally_.results++;
    if (result.end() != RequestResult::DONE) tally_.lost++;
    tally_.waits_ms.push_back(Ms(Clock::now() - at->second));
    submitted_.erase(at);
    ended_.push_back(result.number());
    return true;
  }

  void Acknowledge() {
    if (ended_.empty()) return;
    farm::v1::AcknowledgeRequest request;
    request.set_session(session_);
    for (const uint64_t n : ended_) request.add_numbers(n);
    farm::v1::AcknowledgeReply reply;
    const grpc::Status status = Patiently([&](grpc::ClientContext& context) {
      return stub_->Acknowledge(&context, request, &reply);
    });
    if (status.ok()) acknowledged_.insert(ended_.begin(), ended_.end());
    ended_.clear();
  }

  void Live() {
    farm::v1::OpenSessionRequest open;
    open.set_protocol(kFarmProtocolVersion);
    open.set_user(fmt::format("user-{}", index_));
    farm::v1::OpenSessionReply opened;
    Patiently(
        [&](grpc::ClientContext& context) { return stub_->OpenSession(&context, open, &opened); });
    session_ = opened.session();
    while (!stop_ || !submitted_.empty()) {
      grpc::ClientContext context;
      farm::v1::ResultsRequest request;
      request.set_session(session_);
      const auto reader = stub_->Results(&context, request);
      reader->WaitForInitialMetadata();
      while (!stop_ && static_cast<int>(submitted_.size()) < in_flight_) Submit();
      RequestResult result;
      while (reader->Read(&result)) {
        const bool first = Take(result);
        if (ended_.size() >= 8 || stop_) Acknowledge();
        if (first && !stop_) Submit();
        if (stop_ && submitted_.empty()) break;
      }
      context.TryCancel();
      const grpc::Status end = reader->Finish();
      if (end.error_code() == grpc::NOT_FOUND) {
        const std::lock_guard lock(tally_.mutex);
        tally_.unacknowledged += submitted_.size();
        fmt::print(stderr, "the session was lost with {} requests\n", submitted_.size());
        return;
      }
      if (!submitted_.empty()) std::this_thread::sleep_for(milliseconds(100));
    }
    Acknowledge();
    const std::lock_guard lock(tally_.mutex);
    tally_.unacknowledged += submitted_.size();
  }

  const int index_, in_flight_;
  const std::atomic<bool>& stop_;
  Tally& tally_;
  std::unique_ptr<farm::v1::Farm::Stub> stub_;
  std::string session_;
  uint64_t last_ = 0;
  std::map<uint64_t, Clock::time_point> submitted_;
  std::vector<uint64_t> ended_;
  std::set<uint64_t> acknowledged_;
  std::thread thread_;
};

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
