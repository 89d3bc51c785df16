// A board of a farm as an Executor: each run goes to whichever board is free.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "rpc_farm/client/farm_client.h"
#include "rpc_farm/executor.h"

namespace halyard {

struct FarmTarget {
  std::string device;
  BoardKind kind = BoardKind::kPhysical;  // boards of other kinds are not asked
  std::string snapshot;                   // DeviceSnapshot as the caller knows the device, JSON
  std::vector<std::string> tags;
  int priority = 0;
};

// One thread's; several may share the client.
class FarmExecutor final : public Executor {
 public:
  // `stop` must outlive it: it gives up what waits.
  FarmExecutor(std::shared_ptr<FarmClient> client, FarmTarget target, const std::atomic<bool>& stop)
      : client_(std::move(client)), target_(std::move(target)), stop_(stop) {}

  // The deadline is the run's, on the board; the wait for a free board comes on top, and ends as
  // kBoardLost only when the farm has had no live board of the kind for ten minutes.
  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override;

  // Of the board that ran last; before the first run, the first live one there is.
  std::string board_id() const override { return board_; }
  BoardKind board_kind() const override { return target_.kind; }
  std::string environment() const override { return environment_; }
  std::optional<BoardFacts> facts() override;
  bool has_queue() const override { return true; }
  void MayQueue(bool may) override { leave_queue_ = !may; }

  // NotFound, FailedPrecondition: the farm has no live board for it, and what it has; or a live one
  // is other hardware than the caller's device file says, so that its times are another device's.
  absl::Status FindBoards();
  int boards() const { return boards_; }  // live ones, as FindBoards saw them

 private:
  const std::shared_ptr<FarmClient> client_;
  const FarmTarget target_;
  const std::atomic<bool>& stop_;
  std::atomic<bool> leave_queue_{false};
  std::string board_, environment_;
  int boards_ = 0;
};

// The run with digests in the place of paths, and what the digests are of.
absl::Status NameArtifacts(RunRequest* request, std::vector<FarmArtifact>* artifacts);

}  // namespace halyard
