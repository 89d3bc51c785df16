// This machine as a board behind a link.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/conformance/board_under_test.h"

namespace halyard {

class LinkedBoard : public BoardUnderTest {
 public:
  LinkedBoard() : BoardUnderTest("host") {}

  // Cuts the connection that a run is on, as a pulled cable does; called from another thread.
  virtual void CutConnection() = 0;

  std::vector<pid_t> ProcessesOnBoard() const override { return ProcessesBelow(folder()); }

  std::vector<std::string> FilesOnBoard() const override {
    std::vector<std::string> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder(), error)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("runner-")) files.push_back(name);
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // Why the board cannot be had; empty where it can.
  std::string WhyNot() {
    const auto executor = MakeExecutor();
    return executor.ok() ? "" : std::string(executor.status().message());
  }

  // What the device file says, of the same board.
  void Become(const std::string& device_id) {
    const BoardAddress address = device_.board;
    device_ = LoadDevice(device_id).value();
    device_.board = address;
  }
  void ReachedBy(const std::string& address) { device_.board = ParseBoardAddress(address).value(); }

 private:
  virtual std::string folder() const = 0;  // of the runner and the artifacts
};

}  // namespace halyard
