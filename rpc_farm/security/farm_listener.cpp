#include "rpc_farm/security/farm_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fmt/format.h"

namespace halyard {
namespace {

constexpr int kBacklog = 256;
constexpr int kPauseMs = 50;  // after a failure that passes by itself: others close their files

void SetOption(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

// How many files this process may open, after asking for as many as it may have.
int MostFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

// The peer without its port.
std::string HostOf(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "?";
  if (peer.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, text, sizeof text);
  } else if (peer.ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr, text, sizeof text);
  }
  return text;
}

void SetPort(sockaddr_storage& address, int port) {
  const auto in_order = htons(static_cast<uint16_t>(port));
  if (address.ss_family == AF_INET) reinterpret_cast<sockaddr_in&>(address).sin_port = in_order;
  if (address.ss_family == AF_INET6) reinterpret_cast<sockaddr_in6&>(address).sin6_port = in_order;
}

int PortOf(int fd) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) return 0;
  return ntohs(own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                         : reinterpret_cast<sockaddr_in&>(own).sin_port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FarmListener>> FarmListener::Bind(const std::string& address,
                                                                 const FarmLimits& limits) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (colon == std::string::npos || host.empty() || colon + 1 == address.size() ||
      getaddrinfo(host.c_str(), address.c_str() + colon + 1, &wanted, &found) != 0) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not an address; give HOST:PORT, such as 0.0.0.0:7879", address));
  }
  // A quarter of the files is for all else: artifacts, the state, metrics.
  const int most = std::min(limits.connections, MostFiles() * 3 / 4);
  std::unique_ptr<FarmListener> listener(
      new FarmListener(most, std::min(limits.connections_from_one_address, most)));
  absl::Status status = absl::OkStatus();
  for (const addrinfo* a = found; a != nullptr && status.ok(); a = a->ai_next) {
    status = listener->BindOne(a->ai_addr, a->ai_addrlen, a->ai_family);
    // Of a name with an IPv4 and an IPv6 address the machine may have but one.
    if (!status.ok() && a != found && !absl::IsAlreadyExists(status)) status = absl::OkStatus();
  }
  freeaddrinfo(found);
  if (!status.ok()) {
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: {}", address, std::string(status.message())));
  }
  if (pipe2(listener->wake_, O_CLOEXEC | O_NONBLOCK) != 0) {
    return absl::ErrnoToStatus(errno, "cannot make a pipe");
  }
  return listener;
}

absl::Status FarmListener::BindOne(const void* address, unsigned size, int family) {
  const int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return absl::ErrnoToStatus(errno, "no socket");
  // A restart takes the port over from connections that linger. Not SO_REUSEPORT: a second tracker
  // would start on the port without a word and take half of the connections.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  sockaddr_storage to{};
  std::memcpy(&to, address, std::min<size_t>(size, sizeof to));
  if (port_ != 0) SetPort(to, port_);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&to), size) != 0 || listen(fd, kBacklog) != 0) {
    const absl::Status status = errno == EADDRINUSE ? absl::AlreadyExistsError("the port is taken")
                                : errno == EADDRNOTAVAIL
                                    ? absl::NotFoundError("the address is not this machine's")
                                    : absl::ErrnoToStatus(errno, "it cannot be bound");
    close(fd);
    return status;
  }
  listeners_.push_back(fd);
  if (port_ == 0) port_ = PortOf(fd);
  return absl::OkStatus();
}

FarmListener::~FarmListener() {
  Stop();
  for (const int fd : wake_) {
    if (fd >= 0) close(fd);
  }
}

void FarmListener::AddTo(grpc::ServerBuilder& builder,
                         const std::shared_ptr<grpc::ServerCredentials>& credentials) {
  acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD, credentials);
}

void FarmListener::Start() {
  thread_ = std::thread([this] { Run(); });
}

void FarmListener::Stop() {
  if (thread_.joinable()) {
    const char wake = 0;
    while (write(wake_[1], &wake, 1) < 0 && errno == EINTR) {
    }
    thread_.join();
  }
  for (const int fd : listeners_) close(fd);
  listeners_.clear();
}

void FarmListener::Run() {
  std::vector<pollfd> waiting;
  for (const int fd : listeners_) waiting.push_back({fd, POLLIN, 0});
  waiting.push_back({wake_[0], POLLIN, 0});
  while (true) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting.back().revents != 0) return;
    for (const pollfd& w : waiting) {
      if (w.revents != 0) Accept(w.fd);
    }
  }
}

void FarmListener::Accept(int listener) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd =
      accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    failed_++;
    pollfd stop{wake_[0], POLLIN, 0};
    poll(&stop, 1, kPauseMs);
    return;
  }
  const std::string from = HostOf(peer);
  struct stat socket {};
  if (!HasRoom(from) || fstat(fd, &socket) != 0) {
    refused_++;
    close(fd);
    return;
  }
  connections_[fd] = {socket.st_ino, from};
  // What gRPC sets on what it accepts itself.
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kKeepaliveTimeout.count()));
  grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
  connection.listener_fd = listener;
  connection.fd = fd;  // gRPC's from here on
  acceptor_->HandleNewConnection(&connection);
}

bool FarmListener::HasRoom(const std::string& from) {
  const auto full = [&] {
    return static_cast<int>(connections_.size()) >= most_ ||
           std::count_if(connections_.begin(), connections_.end(),
                         [&](const auto& c) { return c.second.from == from; }) >= most_from_one_;
  };
  if (!full()) return true;
  ForgetClosed();
  return !full();
}

void FarmListener::ForgetClosed() {
  for (auto at = connections_.begin(); at != connections_.end();) {
    struct stat now {};
    const bool open =
        fstat(at->first, &now) == 0 && S_ISSOCK(now.st_mode) && now.st_ino == at->second.inode;
    at = open ? std::next(at) : connections_.erase(at);
  }
}

}  // namespace halyard
