// What boards were used for, and a builder for several searches at once.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "rpc_farm/executor.h"
#include "tuner/builder.h"

namespace halyard {

// Seconds of all boards together. Thread-safe.
class BoardMeter {
 public:
  void Add(double seconds) { seconds_.fetch_add(seconds); }
  double seconds() const { return seconds_.load(); }

 private:
  std::atomic<double> seconds_{0};
};

// Meters the runs of another. Of a board behind a queue what a run waited for it is not metered,
// and what never ran costs nothing.
class MeteredExecutor final : public Executor {
 public:
  MeteredExecutor(std::unique_ptr<Executor> board, BoardMeter& meter)
      : board_(std::move(board)), meter_(meter) {}

  RunOutcome Run(const RunRequest& request, std::chrono::milliseconds deadline) override {
    const auto begin = std::chrono::steady_clock::now();
    RunOutcome outcome = board_->Run(request, deadline);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    meter_.Add(outcome.board_seconds.value_or(board_->has_queue() ? 0 : wall.count()));
    return outcome;
  }
  std::string board_id() const override { return board_->board_id(); }
  BoardKind board_kind() const override { return board_->board_kind(); }
  std::string environment() const override { return board_->environment(); }
  std::optional<BoardFacts> facts() override { return board_->facts(); }
  bool has_queue() const override { return board_->has_queue(); }
  void MayQueue(bool may) override { board_->MayQueue(may); }

 private:
  const std::unique_ptr<Executor> board_;
  BoardMeter& meter_;
};

// One that is used from several threads, in turn: each build has all of the machine.
class SharedBuilder final : public Builder {
 public:
  explicit SharedBuilder(std::unique_ptr<Builder> builder) : builder_(std::move(builder)) {}

  std::vector<BuildResult> Build(const std::vector<BuildRequest>& requests) override {
    const std::lock_guard lock(mutex_);
    return builder_->Build(requests);
  }
  std::string compiler() const override { return builder_->compiler(); }

 private:
  const std::unique_ptr<Builder> builder_;
  std::mutex mutex_;
};

}  // namespace halyard
