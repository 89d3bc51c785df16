// An Android board of the local adb server.
#pragma once

#include <string>
#include <vector>

#include "rpc_farm/board_link.h"
#include "rpc_farm/temporary_folder.h"
#include "targets/board_address.h"

namespace halyard {

class AdbLink final : public BoardLink {
 public:
  explicit AdbLink(const BoardAddress& address);

  // The input travels as a file of its own: stdin of adb's shell is a terminal on boards older than
  // Android 7, which eats long lines.
  ChildResult Run(const std::string& command, const std::string& input,
                  std::chrono::milliseconds deadline) override;
  ChildResult Push(const std::string& from, const std::string& to, const std::string& after,
                   std::chrono::milliseconds deadline) override;
  void Disconnect() override {}  // the adb server keeps connections itself
  std::string WhyLost(const ChildResult& child) const override;
  // /data/local/tmp is the one that the shell's user may write to and run programs from.
  std::string folder() const override { return ShellQuoted(board_folder_); }
  std::string board_id() const override { return serial_; }
  std::string name() const override { return serial_.empty() ? "adb" : "adb " + serial_; }

 private:
  std::vector<std::string> Command(const std::vector<std::string>& rest) const;

  std::string serial_;
  const bool serial_given_;
  const std::string board_folder_;
  const TemporaryFolder folder_;  // of inputs on their way
  int inputs_ = 0;
};

}  // namespace halyard
