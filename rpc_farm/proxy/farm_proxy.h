// A TCP proxy whose network can be made bad while it runs: slow, cut, or a black hole. For trying
// out what a farm does then; see also farm_proxy, the program.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace halyard {

enum class ProxyWay { kToServer, kToClient };

// What is set holds for connections that are there and for those to come. Thread-safe; when a
// method returns, what it set holds.
class FarmProxy {
 public:
  struct Figures {
    uint64_t open = 0;         // connections now
    uint64_t accepted = 0;     // since the start
    uint64_t refused = 0;      // while it was told to
    uint64_t unreachable = 0;  // the server took no connection: the client was reset
    uint64_t to_server_bytes = 0, to_client_bytes = 0;  // read, if not yet sent on
  };

  // Listens at `listen` and connects each client to `server`, both HOST:PORT; port 0 of `listen`
  // takes a free one. InvalidArgument: no such address. Unavailable: it cannot listen there.
  static absl::StatusOr<std::unique_ptr<FarmProxy>> Start(const std::string& listen,
                                                          const std::string& server);
  // Resets what is open.
  virtual ~FarmProxy() = default;

  virtual int port() const = 0;

  // Bytes, and ends of connections, go on so much after they came. Holds for what comes from now
  // on, and order is kept; the most that waits in a direction is 1 MiB, and so a long delay limits
  // the rate.
  virtual void SetDelay(ProxyWay way, std::chrono::milliseconds delay) = 0;
  // Nothing goes on in this direction, ends and resets of connections included; a new connection
  // does not reach the server while the way to it is one. What was held goes on afterwards, as
  // TCP's repetitions do when a network is back.
  virtual void SetBlackHole(ProxyWay way, bool on) = 0;
  // New connections are reset at once.
  virtual void SetRefusing(bool on) = 0;
  // All connections that are open, at both ends.
  virtual void Reset() = 0;

  virtual Figures figures() const = 0;

 protected:
  FarmProxy() = default;
};

}  // namespace halyard
