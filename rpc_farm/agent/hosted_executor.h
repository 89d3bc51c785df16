// A board's executor in a process of its own, the board host. gRPC's processes must not fork, and
// an agent is to outlive whatever becomes of a run: what runs can be killed as a whole, executor
// included, and is started again.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "rpc_farm/agent/board_executor.h"
#include "rpc_farm/agent/frames.h"
#include "rpc_farm/agent/host_processes.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {

struct HostedBoard {
  std::string program;  // path of board_host
  std::string device;   // as LoadDevice takes it
  BoardKind kind = BoardKind::kVirtual;
  std::vector<std::string> options;  // further arguments
  // What a run may take beyond its deadline before the host counts as stuck. A board behind a link
  // has artifacts copied to it, and is set up anew, ahead of the deadline.
  std::chrono::milliseconds slack{2'000};
};

class HostedExecutor final : public BoardExecutor {
 public:
  HostedExecutor(HostProcesses& processes, HostedBoard board);
  ~HostedExecutor() override;

  // Starts the host where none runs, without waiting for it.
  absl::Status Start() override;
  // Waits for what the host says first: whether the board can be reached.
  absl::Status AwaitReady(const std::stop_token& stop, std::chrono::milliseconds limit) override;
  // Ends the host and all below it; the next run starts another.
  void End() override;

  RunOutcome RunUntil(const std::stop_token& stop, const RunRequest& request,
                      std::chrono::milliseconds deadline) override;
  // On the machine of the host.
  absl::Status Command(const std::stop_token& stop, const std::string& command,
                       std::chrono::milliseconds deadline) override;

  std::string board_id() const override { return board_id_; }
  BoardKind board_kind() const override { return board_.kind; }
  std::string environment() const override { return environment_; }
  std::optional<BoardFacts> facts() override { return facts_; }

  pid_t host_pid() const { return pid_; }  // 0: none runs
  int restarts() const { return starts_ > 0 ? starts_ - 1 : 0; }

 private:
  absl::StatusOr<HostReply> Exchange(const std::stop_token& stop, const HostRequest& request);
  // What the host says unasked: empty, or why there is no executor.
  absl::StatusOr<std::string> FirstWords(std::chrono::milliseconds limit);
  absl::StatusOr<HostReply> Receive(FrameClock::time_point deadline);

  HostProcesses& processes_;
  const HostedBoard board_;
  std::unique_ptr<TemporaryFolder> scratch_;  // of the host that runs
  pid_t pid_ = 0;
  int socket_ = -1;
  int starts_ = 0;
  bool greeted_ = false;  // the host that runs has said its first words
  std::string board_id_, environment_;
  std::optional<BoardFacts> facts_;
};

}  // namespace halyard
