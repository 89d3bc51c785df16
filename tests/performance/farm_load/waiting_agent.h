// An agent that speaks the protocol and whose boards only wait.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <thread>

#include "farm.grpc.pb.h"
#include "rpc_farm/proto/agreement.h"
#include "tests/performance/farm_load/load_channel.h"

namespace halyard {

using farm::v1::AgentMessage;
using farm::v1::TrackerMessage;

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

}  // namespace halyard
