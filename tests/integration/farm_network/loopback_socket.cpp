#include "tests/integration/farm_network/loopback_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

bool Readable(int fd, Clock::time_point until) {
  const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
  pollfd wait{fd, POLLIN, 0};
  return poll(&wait, 1, static_cast<int>(left > 0 ? left : 0)) > 0;
}

sockaddr_in Loopback(int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port));
  return to;
}

}  // namespace

LoopbackSocket LoopbackSocket::Connect(int port) {
  LoopbackSocket made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in to = Loopback(port);
  if (connect(made.fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    throw std::runtime_error("cannot connect");
  }
  return made;
}

LoopbackSocket::LoopbackSocket(LoopbackSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

LoopbackSocket& LoopbackSocket::operator=(LoopbackSocket&& other) noexcept {
  Close();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void LoopbackSocket::Send(const std::string& bytes) const {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t n = send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n < 0) throw std::runtime_error("cannot send");
    at += static_cast<size_t>(n);
  }
}

void LoopbackSocket::EndSending() const { shutdown(fd_, SHUT_WR); }

std::string LoopbackSocket::Receive(size_t size, milliseconds limit) const {
  const auto until = Clock::now() + limit;
  std::string bytes;
  while (bytes.size() < size && Readable(fd_, until)) {
    char buffer[4096];
    const ssize_t n = recv(fd_, buffer, std::min(sizeof buffer, size - bytes.size()), 0);
    if (n <= 0) break;
    bytes.append(buffer, static_cast<size_t>(n));
  }
  return bytes;
}

LoopbackSocket::End LoopbackSocket::AwaitEnd(milliseconds limit) const {
  if (!Readable(fd_, Clock::now() + limit)) return End::kOpen;
  char byte = 0;
  const ssize_t n = recv(fd_, &byte, 1, MSG_PEEK);
  if (n > 0) return End::kOpen;
  return n == 0 ? End::kClosed : End::kReset;
}

void LoopbackSocket::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void LoopbackSocket::CloseWithReset() {
  const linger none{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  Close();
}

LoopbackServer::LoopbackServer() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in at = Loopback(0);
  socklen_t size = sizeof at;
  if (bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd_, 128) != 0 ||
      getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
    throw std::runtime_error("cannot listen");
  }
  port_ = ntohs(at.sin_port);
}

LoopbackServer::~LoopbackServer() { close(fd_); }

std::optional<LoopbackSocket> LoopbackServer::Accept(milliseconds limit) const {
  if (!Readable(fd_, Clock::now() + limit)) return std::nullopt;
  return LoopbackSocket(accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace halyard
