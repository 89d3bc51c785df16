// What a debugger's server sends: packets in pieces, and a client that is answered with anything.
#include <sys/socket.h>
#include <unistd.h>

#include "rpc_farm/gdb_client.h"
#include "rpc_farm/gdb_packet.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

using Kind = GdbPacketReader::Kind;

// However the bytes are cut, the same comes of them.
void ReadPieces(const std::string& bytes, size_t piece) {
  std::vector<std::pair<Kind, std::string>> whole, pieces;
  GdbPacketReader at_once, in_pieces;
  at_once.Feed(bytes);
  while (auto event = at_once.Next()) whole.emplace_back(event->kind, event->payload);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    in_pieces.Feed(std::string_view(bytes).substr(at, piece));
    while (auto event = in_pieces.Next()) pieces.emplace_back(event->kind, event->payload);
  }
  Require(whole == pieces, "packets do not depend on how they arrive");
}

void SendAndRead(const std::string& bytes) {
  GdbPacketReader reader;
  reader.Feed(GdbPacket(EscapeGdbBinary(bytes)));
  const auto event = reader.Next();
  Require(event && event->kind == Kind::kPacket && event->payload == bytes, "bytes survive");
  Require(FromHex(ToHex(bytes)) == bytes, "bytes survive as digits");
  (void)FromHex(bytes);
}

// The client sends something for each byte at most, and nobody reads it: for more of it than a
// socket takes it would wait until its deadline.
constexpr size_t kLongestTalk = 500;
constexpr int kSocketBytes = 1 << 20;

// All that the server will ever say is said before it is asked.
void Converse(const std::string& bytes) {
  int ends[2];
  Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
  setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &kSocketBytes, sizeof kSocketBytes);
  const bool sent = bytes.empty() || send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                                         static_cast<ssize_t>(bytes.size());
  shutdown(ends[1], SHUT_WR);
  auto client = GdbClient::Make(ends[0], GdbClient::Clock::now() + std::chrono::seconds(10));
  if (sent && client.ok()) {
    if (const auto memory = (*client)->ReadMemory(0x20000000, 8); memory.ok()) {
      Require(memory->size() == 8, "as much memory as was asked for");
    }
    (void)(*client)->ReadRegister(15);
    (void)(*client)->WriteMemory(0x20000000, "12345678");
    (void)(*client)->SetBreakpoint(0x100);
    (void)(*client)->Continue();
    (void)(*client)->WaitForStop();
    (void)(*client)->Monitor("reset halt");
  }
  close(ends[1]);
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halyard::FuzzInput input(data, size);
  const size_t piece = input.Below(8) + 1;
  const std::string bytes = input.Rest();
  halyard::ReadPieces(bytes, piece);
  halyard::SendAndRead(bytes);
  halyard::Converse(bytes.substr(0, halyard::kLongestTalk));
  // With right checksums: the payloads are what is mutated.
  std::string packets = "+";
  for (size_t at = 0; at < bytes.size() && packets.size() < halyard::kLongestTalk;) {
    const size_t end = std::min(bytes.find('\n', at), bytes.size());
    packets += halyard::GdbPacket(bytes.substr(at, end - at)) + "+";
    at = end + 1;
  }
  halyard::Converse(packets.substr(0, halyard::kLongestTalk));
  return 0;
}
