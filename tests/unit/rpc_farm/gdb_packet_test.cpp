#include "rpc_farm/gdb_packet.h"

#include <gtest/gtest.h>

#include <random>

namespace halyard {
namespace {

using Kind = GdbPacketReader::Kind;

TEST(GdbPacket, FramesWithAChecksum) {
  EXPECT_EQ(GdbPacket("OK"), "$OK#9a");
  EXPECT_EQ(GdbPacket(""), "$#00");
}

TEST(GdbPacket, HexRoundTrips) {
  const std::string bytes("\x00\x7f\xff#", 4);
  EXPECT_EQ(ToHex(bytes), "007fff23");
  EXPECT_EQ(FromHex("007FfF23"), bytes);
  EXPECT_EQ(FromHex("0"), std::nullopt);
  EXPECT_EQ(FromHex("0g"), std::nullopt);
}

TEST(GdbPacket, RunsAreExpanded) {
  GdbPacketReader reader;
  // '*' and a space: three more of what stands before.
  reader.Feed(GdbPacket("0* 1"));
  EXPECT_EQ(reader.Next()->payload, "00001");
  reader.Feed(GdbPacket("* "));
  EXPECT_EQ(reader.Next()->kind, Kind::kGarbled);
}

TEST(GdbPacket, AWrongChecksumIsGarbled) {
  GdbPacketReader reader;
  reader.Feed("$OK#9b$OK#9a");
  EXPECT_EQ(reader.Next()->kind, Kind::kGarbled);
  EXPECT_EQ(reader.Next()->payload, "OK");
  EXPECT_FALSE(reader.Next().has_value());
}

TEST(GdbPacket, AcknowledgementsAndNoiseBetweenPackets) {
  GdbPacketReader reader;
  reader.Feed("+xyz-$OK#9a");
  EXPECT_EQ(reader.Next()->kind, Kind::kAck);
  EXPECT_EQ(reader.Next()->kind, Kind::kRetransmit);
  EXPECT_EQ(reader.Next()->payload, "OK");
}

// Whatever the bytes and wherever the stream is cut, what was escaped arrives.
TEST(GdbPacket, BinaryArrivesInPiecesOfAnySize) {
  std::mt19937 rng(1);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (unsigned i = 0; i < rng() % 200; ++i) {
      bytes += rng() % 3 == 0 ? "$#}*+-"[rng() % 6] : static_cast<char>(rng());
    }
    const std::string stream = GdbPacket(EscapeGdbBinary(bytes)) + "+";
    GdbPacketReader reader;
    std::string got;
    int packets = 0, acks = 0;
    for (size_t at = 0; at < stream.size();) {
      const size_t piece = std::min<size_t>(1 + rng() % 7, stream.size() - at);
      reader.Feed(stream.substr(at, piece));
      at += piece;
      while (const auto event = reader.Next()) {
        packets += event->kind == Kind::kPacket;
        acks += event->kind == Kind::kAck;
        if (event->kind == Kind::kPacket) got = event->payload;
      }
    }
    EXPECT_EQ(packets, 1);
    EXPECT_EQ(acks, 1);
    EXPECT_EQ(got, bytes);
  }
}

}  // namespace
}  // namespace halyard
