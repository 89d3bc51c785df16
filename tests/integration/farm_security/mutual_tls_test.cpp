// Who gets in, and that nobody else reaches a handler.

#include <grpcpp/security/tls_credentials_options.h>

#include "absl/time/clock.h"
#include "rpc_farm/security/credentials.h"
#include "tests/integration/farm_security/farm_under_test.h"

namespace halyard {
namespace {

class MutualTls : public FarmUnderTest {};

TEST_F(MutualTls, HandlersSeeWhoCalls) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto status = Open(*ChannelOf(ann));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(farm_.last().role, FarmRole::kClient);
  EXPECT_EQ(farm_.last().name, "ann");
  EXPECT_EQ(farm_.last().serial, SerialIn(ann));
  EXPECT_TRUE(Open(*ChannelOf(ann, "localhost")).ok());
}

}  // namespace
}  // namespace halyard
