// What every executor must do alike, on every board. A board joins by instantiating the suite; see
// board_under_test.h.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "rpc_farm/executor.h"
#include "tests/conformance/board_under_test.h"
#include "tests/conformance/test_artifacts.h"

namespace halyard {

class ExecutorConformance : public testing::TestWithParam<MakeBoard> {
 protected:
  void SetUp() override;
  void TearDown() override;
  // Goes on with another board, or another way to it.
  void Use(std::unique_ptr<BoardUnderTest> board);

  const Device& device() const { return board_->device(); }
  bool is_virtual() const { return device().board_kind() == BoardKind::kVirtual; }

  RunRequest Request(const EntrySpec& entry) const;
  RunOutcome Run(const RunRequest& request,
                 std::chrono::milliseconds deadline = std::chrono::milliseconds(15'000)) {
    return executor_->Run(request, deadline);
  }
  RunOutcome RunC(const std::string& body,
                  std::chrono::milliseconds deadline = std::chrono::milliseconds(15'000));
  static const EntryResult& Only(const RunOutcome& outcome) {
    return outcome.reply.candidates.at(0).at(0);
  }
  // Within five seconds.
  static bool Eventually(const std::function<bool()>& condition);
  bool NothingRunsOnBoard() const;

  static constexpr char kDouble[] = "for (long i = 0; i < N; ++i) OUT[i] = 2 * IN[i];";

  ScratchFolder folder_;
  std::unique_ptr<BoardUnderTest> board_;
  std::unique_ptr<Executor> executor_;
  std::string artifact_;
  std::string children_before_;  // this process's, before there was an executor
};

}  // namespace halyard
