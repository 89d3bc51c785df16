#include "rpc_farm/security/credentials.h"

#include <gtest/gtest.h>

#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

TEST(CheckLoopback, TakesTheLoopbackOnly) {
  for (const std::string good :
       {"127.0.0.1:9000", "127.255.0.3:0", "[::1]:65535", "localhost:1", "[0:0:0:0:0:0:0:1]:80"}) {
    EXPECT_TRUE(CheckLoopback(good).ok()) << good;
  }
  for (const std::string bad : {"0.0.0.0:9000",
                                "[::]:9000",
                                "10.0.0.1:9000",
                                "128.0.0.1:9000",
                                "localhost",
                                "127.0.0.1",
                                "127.0.0.1:",
                                "127.0.0.1:x",
                                "127.0.0.1:65536",
                                "127.0.0.1:-1",
                                "127.0.0.1:80x",
                                "::1:80",
                                ":80",
                                "",
                                "127.1:80",
                                "127.0.0.1.evil.example:80",
                                "localhost.evil.example:80",
                                "evil@127.0.0.1:80",
                                "unix:/tmp/socket",
                                "dns:///127.0.0.1:80",
                                "127.0.0.1:80,10.0.0.1:80",
                                "10.0.0.1:80,127.0.0.1:80",
                                "[::1%eth0]:80",
                                "[::ffff:10.0.0.1]:80",
                                "2130706433:80"}) {
    const absl::Status s = CheckLoopback(bad);
    EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_NE(s.message().find("'" + bad + "' is not of this machine's loopback"),
              std::string::npos)
        << s;
  }
}

TEST(Credentials, WithoutCertificatesOnTheLoopbackOnly) {
  EXPECT_TRUE(ServerCredentialsFrom("", "127.0.0.1:0", nullptr).ok());
  EXPECT_TRUE(ChannelCredentialsFrom("", "[::1]:9000").ok());
  EXPECT_FALSE(ServerCredentialsFrom("", "0.0.0.0:0", nullptr).ok());
  EXPECT_FALSE(ChannelCredentialsFrom("", "boards.example:9000").ok());
}

TEST(Credentials, AFolderWithoutCertificatesIsNotNone) {
  const TemporaryFolder empty;
  const auto server = ServerCredentialsFrom(empty.path(), "127.0.0.1:0", nullptr);
  EXPECT_EQ(server.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ChannelCredentialsFrom(empty.path(), "127.0.0.1:0").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace halyard
