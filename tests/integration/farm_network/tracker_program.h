// The real tracker as a process.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "farm.grpc.pb.h"
#include "tests/conformance/scratch_folder.h"
#include "tests/integration/farm_agent/logged_process.h"

namespace halyard {

inline constexpr std::chrono::milliseconds kFarmSoon{30'000};

// The real farm_tracker, which serves when it is made.
class TrackerProgram {
 public:
  explicit TrackerProgram(std::vector<std::string> more = {},
                          std::vector<std::string> variables = {});
  LoggedProcess& process() { return *process_; }
  const LoggedProcess& process() const { return *process_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string state() const { return folder_.Path("state"); }
  // `credentials`: the folder of a client or admin; "": none.
  farm::v1::FarmStatus Status(const std::string& credentials = "") const;

 private:
  ScratchFolder folder_;
  std::unique_ptr<LoggedProcess> process_;
  int port_ = 0;
};

}  // namespace halyard
