#include "rpc_farm/gdb_client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace halyard {
namespace {

using Clock = GdbClient::Clock;

// Room for a packet's command, address, length and checksum.
constexpr uint32_t kPacketOverhead = 40;
// Of one packet. A line that garbles as many is no line, and who asks for as many is no debugger.
constexpr int kMostRepeats = 16;
// Flash goes in pieces as large as servers buffer.
constexpr size_t kFlashPiece = 1024;

int MillisecondsUntil(Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count() + 1, 0, 3'600'000));
}

absl::Status WaitFor(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    pollfd p{fd, events, 0};
    const int wait = MillisecondsUntil(deadline);
    const int ready = poll(&p, 1, wait);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno == EINTR) continue;
    return absl::DeadlineExceededError("the debugger did not answer in time");
  }
}

std::string LittleEndian(uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<char>(value >> (8 * i));
  return bytes;
}

absl::Status Refused(const std::string& what, const std::string& reply) {
  return absl::InternalError(
      fmt::format("the debugger refused {} ({})", what, reply.empty() ? "not supported" : reply));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GdbClient>> GdbClient::Make(int socket, Clock::time_point deadline) {
  std::unique_ptr<GdbClient> client(new GdbClient(socket));
  client->deadline_ = deadline;
  if (absl::Status s = client->Hello(); !s.ok()) return s;
  return client;
}

absl::StatusOr<std::unique_ptr<GdbClient>> GdbClient::Connect(const std::string& host, int port,
                                                              Clock::time_point deadline) {
  addrinfo hints = {}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return absl::UnavailableError(fmt::format("no host '{}' is known", host));
  }
  std::string why = "no address";
  int connected = -1;
  for (const addrinfo* a = found; a != nullptr && connected < 0; a = a->ai_next) {
    const int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) continue;
    int error = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      socklen_t size = sizeof error;
      if (!WaitFor(fd, POLLOUT, deadline).ok()) {
        error = ETIMEDOUT;
      } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
      }
    }
    if (error == 0) {
      connected = fd;
    } else {
      why = std::strerror(error);
      close(fd);
    }
  }
  freeaddrinfo(found);
  if (connected < 0) {
    return absl::UnavailableError(
        fmt::format("no GDB server at {}:{} ({}); start OpenOCD, pyOCD or J-Link's server for the "
                    "board",
                    host, port, why));
  }
  const int one = 1;  // requests and answers go to and fro
  setsockopt(connected, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return Make(connected, deadline);
}

GdbClient::~GdbClient() { close(socket_); }

absl::Status GdbClient::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    if (absl::Status s = WaitFor(socket_, POLLOUT, deadline_); !s.ok()) return s;
    const ssize_t n =
        send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0) sent += static_cast<size_t>(n);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return absl::UnavailableError("the connection to the debugger broke");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> GdbClient::Receive() {
  for (int again = 0;;) {
    while (auto event = reader_.Next()) {
      using Kind = GdbPacketReader::Kind;
      absl::Status s = absl::OkStatus();
      if (event->kind == Kind::kPacket) {
        if (acknowledges_) s = Send("+");
        if (!s.ok()) return s;
        return std::move(event->payload);
      }
      if (event->kind != Kind::kAck && ++again > kMostRepeats) {
        return absl::InternalError(
            "the debugger does not get through: check the line to the board");
      }
      if (event->kind == Kind::kGarbled && acknowledges_) s = Send("-");
      if (event->kind == Kind::kRetransmit && acknowledges_) s = Send(last_sent_);
      if (!s.ok()) return s;
    }
    if (absl::Status s = WaitFor(socket_, POLLIN, deadline_); !s.ok()) return s;
    char buffer[16384];
    const ssize_t n = recv(socket_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) reader_.Feed({buffer, static_cast<size_t>(n)});
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      return absl::UnavailableError("the debugger closed the connection");
    }
  }
}

absl::StatusOr<std::string> GdbClient::Ask(const std::string& request) {
  last_sent_ = GdbPacket(request);
  if (absl::Status s = Send(last_sent_); !s.ok()) return s;
  return Receive();
}

absl::Status GdbClient::AskForOk(const std::string& request, const std::string& what) {
  const auto reply = Ask(request);
  if (!reply.ok()) return reply.status();
  return *reply == "OK" ? absl::OkStatus() : Refused(what, *reply);
}

absl::Status GdbClient::Hello() {
  const auto features = Ask("qSupported:swbreak+;hwbreak+");
  if (!features.ok()) return features.status();
  for (absl::string_view feature : absl::StrSplit(*features, ';')) {
    uint32_t bytes = 0;
    if (absl::StartsWith(feature, "PacketSize=") &&
        absl::SimpleHexAtoi(feature.substr(11), &bytes) && bytes > 2 * kPacketOverhead) {
      packet_bytes_ = std::min<uint32_t>(bytes, 1 << 16);
    }
    if (feature == "QStartNoAckMode+") {
      const auto reply = Ask("QStartNoAckMode");
      if (!reply.ok()) return reply.status();
      acknowledges_ = *reply != "OK";
    }
  }
  // Registers go by their numbers in this, and qemu refuses single ones to who has not read it.
  const auto description = Ask("qXfer:features:read:target.xml:0,100");
  return description.ok() ? absl::OkStatus() : description.status();
}

absl::StatusOr<std::string> GdbClient::ReadMemory(uint32_t address, uint32_t bytes) {
  std::string memory;
  while (memory.size() < bytes) {
    const uint32_t piece = std::min<uint32_t>(bytes - static_cast<uint32_t>(memory.size()),
                                              (packet_bytes_ - kPacketOverhead) / 2);
    const auto at = address + static_cast<uint32_t>(memory.size());
    const auto reply = Ask(fmt::format("m{:x},{:x}", at, piece));
    if (!reply.ok()) return reply.status();
    const auto read = FromHex(*reply);
    if (!read || read->empty() || read->size() > piece) {
      return Refused(fmt::format("to read {} bytes at 0x{:08x}", piece, at), *reply);
    }
    memory += *read;
  }
  return memory;
}

absl::Status GdbClient::WriteMemory(uint32_t address, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    // An escaped byte takes two characters, as a hexadecimal one does.
    const size_t piece =
        std::min<size_t>(bytes.size() - done, (packet_bytes_ - kPacketOverhead) / 2);
    const auto at = address + static_cast<uint32_t>(done);
    const std::string data = bytes.substr(done, piece);
    const std::string what = fmt::format("to write {} bytes at 0x{:08x}", piece, at);
    if (binary_writes_) {
      const auto reply = Ask(fmt::format("X{:x},{:x}:{}", at, piece, EscapeGdbBinary(data)));
      if (!reply.ok()) return reply.status();
      binary_writes_ = !reply->empty();  // empty: a server without this packet
      if (binary_writes_ && *reply != "OK") return Refused(what, *reply);
    }
    if (!binary_writes_) {
      absl::Status s = AskForOk(fmt::format("M{:x},{:x}:{}", at, piece, ToHex(data)), what);
      if (!s.ok()) return s;
    }
    done += piece;
  }
  return absl::OkStatus();
}

absl::Status GdbClient::WriteFlash(uint32_t address, const std::string& bytes) {
  absl::Status s = AskForOk(fmt::format("vFlashErase:{:x},{:x}", address, bytes.size()),
                            fmt::format("to erase flash at 0x{:08x}", address));
  for (size_t done = 0; s.ok() && done < bytes.size(); done += kFlashPiece) {
    s = AskForOk(fmt::format("vFlashWrite:{:x}:{}", address + done,
                             EscapeGdbBinary(bytes.substr(done, kFlashPiece))),
                 fmt::format("to write flash at 0x{:08x}", address + done));
  }
  return s.ok() ? AskForOk("vFlashDone", "to program flash") : s;
}

absl::StatusOr<uint32_t> GdbClient::ReadRegister(int number) {
  const auto reply = Ask(fmt::format("p{:x}", number));
  if (!reply.ok()) return reply.status();
  const auto bytes = FromHex(*reply);
  if (!bytes || bytes->size() != 4) return Refused(fmt::format("register {}", number), *reply);
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= uint32_t{static_cast<uint8_t>((*bytes)[i])} << (8 * i);
  return value;
}

absl::Status GdbClient::WriteRegister(int number, uint32_t value) {
  return AskForOk(fmt::format("P{:x}={}", number, ToHex(LittleEndian(value))),
                  fmt::format("to write register {}", number));
}

absl::Status GdbClient::SetBreakpoint(uint32_t address) {
  const auto hardware = Ask(fmt::format("Z1,{:x},2", address & ~1u));
  if (!hardware.ok()) return hardware.status();
  if (*hardware == "OK") return absl::OkStatus();
  return AskForOk(fmt::format("Z0,{:x},2", address & ~1u), "a breakpoint");
}

absl::Status GdbClient::Continue() { return Send(last_sent_ = GdbPacket("c")); }

absl::StatusOr<int> GdbClient::WaitForStop() {
  for (;;) {
    const auto reply = Receive();
    if (!reply.ok()) return reply.status();
    int signal = 0;
    if (reply->size() >= 3 && (reply->front() == 'T' || reply->front() == 'S') &&
        absl::SimpleHexAtoi(reply->substr(1, 2), &signal)) {
      return signal;
    }
    // 'O': what the target or the server prints meanwhile.
    if (!reply->empty() && reply->front() == 'O') continue;
    return absl::InternalError(
        fmt::format("the debugger answered a run with '{}'", reply->substr(0, 40)));
  }
}

absl::Status GdbClient::Interrupt() { return Send("\x03"); }

absl::StatusOr<std::string> GdbClient::Monitor(const std::string& command) {
  auto reply = Ask("qRcmd," + ToHex(command));
  std::string printed;
  for (; reply.ok(); reply = Receive()) {
    if (*reply == "OK") return printed;
    const auto text = FromHex(reply->empty() ? "" : reply->substr(1));
    if (!reply->empty() && reply->front() == 'O' && text) {
      printed += *text;
    } else if (const auto last = FromHex(*reply); last && !last->empty()) {
      return printed + *last;  // OpenOCD answers with what it printed in place of OK
    } else {
      return Refused("the command '" + command + "'", *reply);
    }
  }
  return reply.status();
}

}  // namespace halyard
