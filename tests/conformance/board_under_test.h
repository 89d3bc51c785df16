// One way to a board, made ready for the executor tests, and what they may expect of it. A new
// executor joins with a file that makes one of these, or of a class derived from it, and
// instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Ssh, ExecutorConformance, testing::Values(&MakeSshBoard));
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/executor.h"

namespace halyard {

class BoardUnderTest {
 public:
  // REQUIRES: the device loads. The memory of one with an operating system is set to 4 GiB: limits
  // on memory follow from that, and the tests are to behave alike on large machines.
  explicit BoardUnderTest(const std::string& device_id);
  explicit BoardUnderTest(Device device);
  virtual ~BoardUnderTest() = default;

  // With the board's address; made in the constructor, where what is needed is started.
  const Device& device() const { return device_; }
  // What this machine does not have for it; empty: nothing, its tests can run.
  virtual std::string Lacks() const { return ""; }
  virtual absl::StatusOr<std::unique_ptr<Executor>> MakeExecutor() {
    return halyard::MakeExecutor(device_);
  }

  // Ids of the processes that the executor has on the board (a runner, a supervisor), where they
  // can be told from others'. Nothing runs between two runs.
  virtual std::vector<pid_t> ProcessesOnBoard() const { return {}; }
  // Files on the board that a run may not leave: everything but the runner itself.
  virtual std::vector<std::string> FilesOnBoard() const { return {}; }

 protected:
  Device device_;
};

using MakeBoard = std::unique_ptr<BoardUnderTest> (*)();

// Ids of this machine's processes whose program lies below `folder`, zombies left out.
std::vector<pid_t> ProcessesBelow(const std::string& folder);

}  // namespace halyard
