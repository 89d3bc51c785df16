// The tracker's listening sockets, and how many connections may come through them.
//
// gRPC 1.51 has no limit of connections, and its own listener stops for good when accept() fails
// once for want of file descriptors: whoever opens a thousand connections, without any certificate,
// ends the farm until somebody starts it again. This one accepts, counts, and hands over to gRPC.
#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/security/farm_limits.h"

namespace halyard {

class FarmListener {
 public:
  // Binds HOST:PORT, each address of the host; port 0 takes a free one. Raises this process's limit
  // of open files to what it may be. InvalidArgument: no HOST:PORT, or nobody knows the host.
  // Unavailable: the port is taken, or the address is not this machine's.
  static absl::StatusOr<std::unique_ptr<FarmListener>> Bind(const std::string& address,
                                                            const FarmLimits& limits);
  ~FarmListener();
  FarmListener(const FarmListener&) = delete;
  FarmListener& operator=(const FarmListener&) = delete;

  // Before the server is built.
  void AddTo(grpc::ServerBuilder& builder,
             const std::shared_ptr<grpc::ServerCredentials>& credentials);
  // Once it is built: from now on connections are served.
  void Start();
  // REQUIRED before the server's Shutdown; nobody is accepted any more.
  void Stop();

  int port() const { return port_; }
  // Connections closed at once since the start, since there were too many; failures of accept().
  uint64_t refused() const { return refused_; }
  uint64_t failed() const { return failed_; }

 private:
  struct Connection {
    ino_t inode;       // of the socket: gRPC closes it, and the number may be another's by then
    std::string from;  // the peer's address
  };

  FarmListener(int most, int most_from_one) : most_(most), most_from_one_(most_from_one) {}
  absl::Status BindOne(const void* address, unsigned size, int family);
  void Run();
  void Accept(int listener);
  bool HasRoom(const std::string& from);
  void ForgetClosed();

  const int most_, most_from_one_;
  int port_ = 0;
  std::vector<int> listeners_;
  int wake_[2] = {-1, -1};
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::map<int, Connection> connections_;  // by descriptor; the thread's alone
  std::atomic<uint64_t> refused_{0}, failed_{0};
  std::thread thread_;
};

}  // namespace halyard
