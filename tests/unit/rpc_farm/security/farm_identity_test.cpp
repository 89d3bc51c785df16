#include "rpc_farm/security/farm_identity.h"

#include <gtest/gtest.h>

#include "rpc_farm/security/authorizer.h"

namespace halyard {
namespace {

TEST(FarmIdentity, UriRoundTrips) {
  for (const FarmRole role :
       {FarmRole::kClient, FarmRole::kAgent, FarmRole::kAdmin, FarmRole::kTracker}) {
    for (const std::string name : {"a", "rack1", "ann.lee", "0_-", "agent"}) {
      const FarmIdentity identity{role, name};
      EXPECT_EQ(IdentityFromUri(ToUri(identity)), identity);
    }
    EXPECT_EQ(*ParseFarmRole(FarmRoleName(role)), role);
  }
  EXPECT_EQ(ToUri({FarmRole::kAgent, "rack1"}), "halyard:agent/rack1");
}

TEST(FarmIdentity, NothingElseIsOne) {
  using namespace std::string_literals;
  for (const std::string& uri :
       {""s, "halyard:"s, "halyard:agent"s, "halyard:agent/"s, "halyard:/rack1"s,
        "Halyard:agent/rack1"s, "halyard:Agent/rack1"s, "halyard:root/rack1"s,
        "halyard:agent/rack1/"s, "halyard:agent/rack1/x"s, "halyard:agent/../x"s,
        "halyard:agent/r%61ck1"s, "halyard:agent/rack1\0"s, "halyard:agent/rack1\0.x"s,
        " halyard:agent/rack1"s, "halyard:agent/rack1 "s, "halyard://agent/rack1"s,
        "spiffe://agent/rack1"s, "halyard:agent/r\xc3\xa4k"s}) {
    EXPECT_EQ(IdentityFromUri(uri), std::nullopt) << uri;
  }
}

TEST(FarmIdentity, Names) {
  for (const std::string& bad :
       {std::string(), std::string("-x"), std::string(".x"), std::string("a/b"), std::string("a b"),
        std::string("a\nb"), std::string("a,DNS:evil"), std::string("a\0b", 3),
        std::string("$(id)"), std::string(65, 'a')}) {
    EXPECT_EQ(CheckFarmName(bad).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_TRUE(CheckFarmName(std::string(64, 'a')).ok());
}

TEST(RoleMay, IsTheProtocolsTable) {
  const std::string p = "/halyard.farm.v1.";
  struct Row {
    std::string method;
    bool client, agent, admin;
  };
  const Row rows[] = {
      {p + "Farm/OpenSession", true, false, true},
      {p + "Farm/Results", true, false, true},
      {p + "Farm/UploadArtifact", true, false, true},
      {p + "Admin/GetStatus", true, false, true},
      {p + "Admin/Drain", false, false, true},
      {p + "Admin/Quarantine", false, false, true},
      {p + "Admin/GetStatusX", false, false, true},
      {p + "Agents/Connect", false, true, false},
      {p + "Agents/FetchArtifact", false, true, false},
      {"/halyard.farm.v2.Farm/OpenSession", false, false, false},
      {"/halyard.farm.v1.Farmer/OpenSession", false, false, false},
      {"halyard.farm.v1.Farm/OpenSession", false, false, false},
      {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false, false, false},
      {"", false, false, false}};
  for (const Row& row : rows) {
    EXPECT_EQ(RoleMay(FarmRole::kClient, row.method), row.client) << row.method;
    EXPECT_EQ(RoleMay(FarmRole::kAgent, row.method), row.agent) << row.method;
    EXPECT_EQ(RoleMay(FarmRole::kAdmin, row.method), row.admin) << row.method;
    EXPECT_FALSE(RoleMay(FarmRole::kTracker, row.method)) << row.method;
  }
}

}  // namespace
}  // namespace halyard
