#include "tests/integration/farm_network/tracker_program.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"

namespace halyard {

TrackerProgram::TrackerProgram(std::vector<std::string> more, std::vector<std::string> variables) {
  std::vector<std::string> argv = {HALYARD_FARM_TRACKER, "--listen", "127.0.0.1:0", "--state",
                                   folder_.Path("state")};
  argv.insert(argv.end(), more.begin(), more.end());
  process_ = std::make_unique<LoggedProcess>(argv, folder_.Path("log"), variables);
  if (!process_->AwaitEvents("serving", 1, kFarmSoon)) {
    throw std::runtime_error("the tracker does not serve: " + process_->Log());
  }
  port_ = process_->Events("serving").at(0)["port"];
}

farm::v1::FarmStatus TrackerProgram::Status(const std::string& credentials) const {
  const auto channel = grpc::CreateCustomChannel(
      address(), ChannelCredentialsFrom(credentials, address()).value(), FarmChannelArguments());
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kFarmSoon);
  farm::v1::FarmStatus status;
  const grpc::Status got = farm::v1::Admin::NewStub(channel)->GetStatus(&context, {}, &status);
  EXPECT_TRUE(got.ok()) << got.error_message();
  return status;
}

}  // namespace halyard
