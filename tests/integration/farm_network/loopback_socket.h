// Blocking TCP on the loopback, with a limit on every wait.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace halyard {

class LoopbackSocket {
 public:
  LoopbackSocket() = default;
  explicit LoopbackSocket(int fd) : fd_(fd) {}
  static LoopbackSocket Connect(int port);  // throws std::runtime_error
  LoopbackSocket(LoopbackSocket&& other) noexcept;
  LoopbackSocket& operator=(LoopbackSocket&& other) noexcept;
  ~LoopbackSocket() { Close(); }

  void Send(const std::string& bytes) const;  // all; throws where the other end is gone
  void EndSending() const;
  // `size` bytes, or fewer where the limit or the end came first.
  std::string Receive(size_t size, std::chrono::milliseconds limit) const;
  enum class End { kOpen, kClosed, kReset };
  // What the next read says within the limit; kOpen where it says nothing, or there is a byte.
  End AwaitEnd(std::chrono::milliseconds limit) const;
  void Close();
  void CloseWithReset();

 private:
  int fd_ = -1;
};

class LoopbackServer {
 public:
  LoopbackServer();
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;
  int port() const { return port_; }
  std::optional<LoopbackSocket> Accept(std::chrono::milliseconds limit) const;

 private:
  int fd_ = -1, port_ = 0;
};

}  // namespace halyard
