#include "targets/board_address.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

TEST(BoardAddress, TextRoundTrips) {
  for (const char* text :
       {"virtual", "local", "simulated", "adb", "adb:R58M123", "ssh:pi4", "ssh:pi@pi4:2222",
        "ssh:pi@[fe80::1]:22", "gdb:localhost:3333", "gdb:[::1]:3333"}) {
    const auto address = ParseBoardAddress(text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->ToText(), text);
  }
  const BoardAddress pi = *ParseBoardAddress("ssh:pi@pi4:2222");
  EXPECT_EQ(pi.reach, BoardReach::kSsh);
  EXPECT_EQ(pi.user, "pi");
  EXPECT_EQ(pi.host, "pi4");
  EXPECT_EQ(pi.port, 2222);
  EXPECT_EQ(pi.kind(), BoardKind::kPhysical);
  EXPECT_EQ(ParseBoardAddress("virtual")->kind(), BoardKind::kVirtual);
  EXPECT_EQ(ParseBoardAddress("simulated")->kind(), BoardKind::kSimulated);
}

TEST(BoardAddress, WhatIsNoneSaysWhatWouldBe) {
  // A host, user or serial that begins with a dash would be an option of the command it goes to.
  for (const char* text :
       {"", "pi4", "ssh:", "ssh:pi@", "ssh:@pi4", "ssh:pi4:", "ssh:pi4:0", "ssh:pi4:65536",
        "ssh:pi4:x", "ssh:fe80::1", "ssh:[fe80::1", "ssh:[fe80::1]x", "ssh:-oProxyCommand=x",
        "ssh:-l@pi4", "adb:", "adb:-s", "gdb:localhost", "gdb::3333", "local:1"}) {
    const auto address = ParseBoardAddress(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_NE(address.status().message().find("ssh:[USER@]HOST[:PORT]"), std::string::npos);
  }
}

}  // namespace
}  // namespace halyard
