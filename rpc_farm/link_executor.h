// Runs the board runner on a board behind a link. The runner and each artifact are copied once,
// under names of their content; the board's own `supervise` keeps a run to its limits and ends it
// when this side is gone, so that nothing is left on a board whose tuner died.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc_farm/board_link.h"
#include "rpc_farm/executor.h"
#include "targets/board_facts.h"

namespace halyard {

class LinkExecutor final : public Executor {
 public:
  // `runner`: path here of the board runner for the device. Connects, copies the runner and asks
  // the board what it is.
  // Unavailable: the board cannot be reached. FailedPrecondition: it is the wrong board, or is
  // full. Both say what to do.
  static absl::StatusOr<std::unique_ptr<LinkExecutor>> Make(std::unique_ptr<BoardLink> link,
                                                            std::string runner,
                                                            const Device& device);
  ~LinkExecutor() override;

  // Copying what is not on the board yet has a limit of its own ahead of the deadline.
  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;
  std::string board_id() const override { return link_->board_id(); }
  BoardKind board_kind() const override { return BoardKind::kPhysical; }
  std::string environment() const override;
  std::optional<BoardFacts> facts() override;

 private:
  LinkExecutor(std::unique_ptr<BoardLink> link, std::string runner, const Device& device);

  struct Answer {
    bool ended = false;  // the command came to its end
    int exit_code = -1;  // of the command
    std::string out;
    ChildResult child;
  };
  Answer Ask(const std::string& command, const std::string& input,
             std::chrono::milliseconds deadline);

  absl::Status SetUp();
  absl::Status CopyRunner(bool there);
  absl::Status ReadFacts();
  absl::Status CopyFailed(const ChildResult& child, const std::string& what);
  // The board's path of an artifact of this machine.
  absl::StatusOr<std::string> Send(const std::string& path, size_t keep);
  RunOutcome Supervised(const RunRequest& request, std::chrono::milliseconds deadline);
  RunOutcome Lost(const std::string& why);

  const std::unique_ptr<BoardLink> link_;
  const std::string runner_;
  const std::string triplet_;
  const int64_t memory_bytes_;
  std::string session_;           // name of this object's folder on the board
  bool ready_ = false;            // set up and not lost since
  bool reachable_ = false;        // its folder was made, and the connection not lost since
  std::string board_folder_;      // absolute
  std::string board_machine_;     // uname -m
  std::string board_runner_;      // absolute
  std::deque<std::string> sent_;  // hashes of the artifacts there, oldest first
  BoardFacts facts_;
  std::string conditions_;  // of the last run that took a time
};

}  // namespace halyard
