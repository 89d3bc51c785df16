// A board that takes SSH, through the user's own ssh client and its configuration: keys, aliases
// and jump hosts are what they are at the terminal.
#pragma once

#include <string>
#include <vector>

#include "rpc_farm/board_link.h"
#include "rpc_farm/temporary_folder.h"
#include "targets/board_address.h"

namespace halyard {

class SshLink final : public BoardLink {
 public:
  explicit SshLink(const BoardAddress& address);
  ~SshLink() override { Disconnect(); }

  ChildResult Run(const std::string& command, const std::string& input,
                  std::chrono::milliseconds deadline) override;
  ChildResult Push(const std::string& from, const std::string& to, const std::string& after,
                   std::chrono::milliseconds deadline) override;
  void Disconnect() override;
  std::string WhyLost(const ChildResult& child) const override;
  std::string folder() const override;
  std::string board_id() const override { return address_.host; }
  std::string name() const override { return "ssh " + destination_; }

 private:
  std::vector<std::string> Command(const std::string& command) const;

  const BoardAddress address_;
  const std::string destination_;  // [USER@]HOST
  const TemporaryFolder folder_;   // of the connection's socket
};

}  // namespace halyard
