// One connection through the proxy: two sockets and a flow each way.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace halyard {

// What is done to one direction of all connections.
struct WayState {
  std::chrono::milliseconds delay{0};
  bool black_hole = false;
  uint64_t bytes = 0;
};

// On the thread of its io_context alone. Lives as long as a handler of it waits.
class ProxiedConnection : public std::enable_shared_from_this<ProxiedConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  // `reached`: whether the server was. `ended` is called once, last.
  struct Owner {
    std::function<void(const std::shared_ptr<ProxiedConnection>&)> ended;
    std::function<void()> unreachable;
  };

  // `ways`: to the server, to the client; outlives it.
  ProxiedConnection(Socket client, boost::asio::ip::tcp::endpoint server,
                    std::array<WayState, 2>& ways, const Owner& owner);

  // Does what can be done now; to be called at first and when `ways` has changed.
  void Pump();
  void Reset() { Close(/*reset=*/true); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };
  struct Flow {
    Flow(Socket& from, Socket& to, WayState& way)
        : from(from), to(to), way(way), timer(from.get_executor()) {}
    Socket &from, &to;
    WayState& way;
    boost::asio::steady_timer timer;
    std::string buffer;
    std::deque<Piece> waiting;
    size_t waiting_bytes = 0;
    bool reading = false, writing = false;
    bool source_ended = false, source_reset = false;
    Clock::time_point end_due{};
    bool done = false;  // its end was passed on, or nobody is there to pass anything to
  };

  void Dial();
  void Read(Flow& flow);
  void Write(Flow& flow);
  void WriteFirst(Flow& flow);
  void EndSource(Flow& flow, bool reset);
  void LoseDestination(Flow& flow);
  void PassEndOn(Flow& flow);
  void Close(bool reset);

  Socket client_, server_;
  const boost::asio::ip::tcp::endpoint endpoint_;
  std::array<WayState, 2>& ways_;
  const Owner& owner_;
  Flow to_server_, to_client_;
  bool dialled_ = false, connected_ = false, closed_ = false;
};

}  // namespace halyard
