// The client against servers that answer as told: what differs between qemu, OpenOCD and J-Link,
// and what goes wrong on the way.
#include "rpc_farm/gdb_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <thread>

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = GdbClient::Clock;

// A server on one end of a socket pair, with a memory; `answers` come before what it does itself.
class Server {
 public:
  struct Options {
    std::string features = "PacketSize=100;QStartNoAckMode+";
    bool binary = true;    // knows X
    bool flash = true;     // knows vFlash*
    int garble_first = 0;  // answers sent with a wrong checksum first
    std::map<std::string, std::string> answers = {};
  };

  explicit Server(Options options) : options_(std::move(options)) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) abort();
    socket_ = ends[0];
    client_end = ends[1];
    thread_ = std::thread([this] { Serve(); });
  }
  ~Server() {
    shutdown(socket_, SHUT_RDWR);
    thread_.join();
    close(socket_);
  }

  absl::StatusOr<std::unique_ptr<GdbClient>> Client() const {
    return GdbClient::Make(client_end, Clock::now() + milliseconds(2000));
  }

  int client_end = -1;
  std::map<uint32_t, char> memory;
  std::vector<std::string> heard;

 private:
  void Serve() {
    char buffer[4096];
    for (ssize_t n; (n = read(socket_, buffer, sizeof buffer)) > 0;) {
      reader_.Feed({buffer, static_cast<size_t>(n)});
      while (const auto event = reader_.Next()) {
        if (event->kind == GdbPacketReader::Kind::kRetransmit) Send(last_);
        if (event->kind != GdbPacketReader::Kind::kPacket) continue;
        if (acknowledges_) Send("+");
        heard.push_back(event->payload);
        last_ = GdbPacket(Answer(event->payload));
        if (options_.garble_first-- > 0) {
          std::string garbled = last_;
          garbled.back() ^= 1;
          Send(garbled);
        } else {
          Send(last_);
        }
        if (event->payload == "QStartNoAckMode") acknowledges_ = false;
      }
    }
  }

  std::string Answer(const std::string& request) {
    const auto told = options_.answers.find(request);
    if (told != options_.answers.end()) return told->second;
    unsigned address = 0, bytes = 0;
    int body = 0;
    if (request.rfind("qSupported", 0) == 0) return options_.features;
    if (request == "QStartNoAckMode") return "OK";
    if (sscanf(request.c_str(), "m%x,%x", &address, &bytes) == 2) {
      std::string out;
      for (unsigned i = 0; i < bytes; ++i) out += memory[address + i];
      return ToHex(out);
    }
    if (request[0] == 'X' && options_.binary &&
        sscanf(request.c_str(), "X%x,%x:%n", &address, &bytes, &body) == 2) {
      return Store(address, request.substr(static_cast<size_t>(body)), bytes);
    }
    if (sscanf(request.c_str(), "M%x,%x:%n", &address, &bytes, &body) == 2) {
      return Store(address, *FromHex(request.substr(static_cast<size_t>(body))), bytes);
    }
    if (options_.flash && request.rfind("vFlashErase:", 0) == 0) return "OK";
    if (options_.flash && request == "vFlashDone") return "OK";
    if (options_.flash && sscanf(request.c_str(), "vFlashWrite:%x:%n", &address, &body) == 1) {
      const std::string data = request.substr(static_cast<size_t>(body));
      return Store(address, data, static_cast<unsigned>(data.size()));
    }
    return "";
  }

  std::string Store(uint32_t address, const std::string& data, unsigned bytes) {
    if (data.size() != bytes) return "E16";
    for (char c : data) memory[address++] = c;
    return "OK";
  }

  void Send(const std::string& text) const {
    if (write(socket_, text.data(), text.size()) < 0) return;
  }

  Options options_;
  int socket_ = -1;
  bool acknowledges_ = true;
  std::string last_;
  GdbPacketReader reader_;
  std::thread thread_;
};

std::string AllBytes(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * 7);
  return bytes;
}

void ExpectMemoryRoundTrips(Server& server) {
  const auto client = server.Client();
  ASSERT_TRUE(client.ok()) << client.status();
  const std::string bytes = AllBytes(1000);
  ASSERT_TRUE((*client)->WriteMemory(0x20000010, bytes).ok());
  const auto read = (*client)->ReadMemory(0x20000010, 1000);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, bytes);
}

TEST(GdbClient, MemoryInPacketsTheServerTakes) {
  Server server({});
  ExpectMemoryRoundTrips(server);
  for (const std::string& request : server.heard) EXPECT_LT(request.size(), 0x100u);
}

TEST(GdbClient, ServersWithoutBinaryWritesGetHexadecimalOnes) {
  Server server({.features = "", .binary = false});
  ExpectMemoryRoundTrips(server);
}

TEST(GdbClient, GarbledAnswersAreAskedForAgain) {
  Server server({.features = "PacketSize=100", .garble_first = 3});
  ExpectMemoryRoundTrips(server);
}

TEST(GdbClient, FlashIsErasedWrittenAndDone) {
  Server server({});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  const std::string bytes = AllBytes(3000);
  ASSERT_TRUE((*client)->WriteFlash(0x08000000, bytes).ok());
  EXPECT_EQ((*client)->ReadMemory(0x08000000, 3000).value(), bytes);
  std::vector<std::string> verbs;
  for (const std::string& request : server.heard) {
    if (request[0] == 'v') verbs.push_back(request.substr(0, request.find(':')));
  }
  EXPECT_EQ(verbs, (std::vector<std::string>{"vFlashErase", "vFlashWrite", "vFlashWrite",
                                             "vFlashWrite", "vFlashDone"}));
}

TEST(GdbClient, AServerWithoutFlashSaysSo) {
  Server server({.flash = false});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  EXPECT_EQ((*client)->WriteFlash(0x08000000, "x").message(),
            "the debugger refused to erase flash at 0x08000000 (not supported)");
}

TEST(GdbClient, RefusalsNameWhatWasRefused) {
  Server server({.answers = {{"m20000000,4", "E14"}, {"p19", "01000000"}, {"Pf=00010020", "E01"}}});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  EXPECT_EQ((*client)->ReadMemory(0x20000000, 4).status().message(),
            "the debugger refused to read 4 bytes at 0x20000000 (E14)");
  EXPECT_EQ((*client)->ReadRegister(25).value(), 1u);
  EXPECT_EQ((*client)->WriteRegister(15, 0x20000100).message(),
            "the debugger refused to write register 15 (E01)");
}

TEST(GdbClient, BreakpointsFallBackToSoftware) {
  Server server({.answers = {{"Z1,100,2", ""}, {"Z0,100,2", "OK"}}});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  EXPECT_TRUE((*client)->SetBreakpoint(0x101).ok());
}

TEST(GdbClient, StopsAreReportedBetweenWhatIsPrinted) {
  Server server({.answers = {{"c", "T05thread:01;"}}});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->Continue().ok());
  EXPECT_EQ((*client)->WaitForStop().value(), 5);
}

TEST(GdbClient, CommandsOfTheServersOwn) {
  const std::string reset = "qRcmd," + ToHex("reset halt"), other = "qRcmd," + ToHex("x");
  Server server({.answers = {{reset, ToHex("halted\n")}, {other, "E01"}}});
  const auto client = server.Client();
  ASSERT_TRUE(client.ok());
  EXPECT_EQ((*client)->Monitor("reset halt").value(), "halted\n");
}

TEST(GdbClient, ASilentServerIsGivenUpAtTheDeadline) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const auto begin = Clock::now();
  const auto client = GdbClient::Make(ends[0], begin + milliseconds(100));
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.status())) << client.status();
  EXPECT_LT(Clock::now() - begin, milliseconds(1000));
  close(ends[1]);
}

TEST(GdbClient, AServerThatGoesAwayIsNoticedAtOnce) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  close(ends[1]);
  const auto client = GdbClient::Make(ends[0], Clock::now() + milliseconds(5000));
  EXPECT_TRUE(absl::IsUnavailable(client.status())) << client.status();
}

TEST(GdbClient, NobodyListeningIsSaidWithTheAddress) {
  const auto client = GdbClient::Connect("127.0.0.1", 1, Clock::now() + milliseconds(1000));
  ASSERT_TRUE(absl::IsUnavailable(client.status()));
  EXPECT_NE(client.status().message().find("no GDB server at 127.0.0.1:1"), std::string::npos);
}

// What is sent again for each fills the line, and what is on it waits for the deadline.
TEST(GdbClient, AServerThatAsksAgainWithoutEndIsGivenUp) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const std::string again(1000, '-');
  ASSERT_EQ(write(ends[1], again.data(), again.size()), 1000);
  const auto client = GdbClient::Make(ends[0], Clock::now() + milliseconds(2000));
  EXPECT_TRUE(absl::IsInternal(client.status())) << client.status();
  close(ends[1]);
}

}  // namespace
}  // namespace halyard
