#include "rpc_farm/proxy/farm_proxy.h"

#include <fmt/format.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "rpc_farm/proxy/proxied_connection.h"

namespace halyard {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After accept() failed, for want of descriptors say.
constexpr std::chrono::milliseconds kAcceptPause{100};

absl::StatusOr<tcp::endpoint> Resolve(asio::io_context& io, const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon == std::string::npos ? 0 : colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  error_code error = asio::error::host_not_found;
  tcp::resolver::results_type found;
  if (!host.empty()) found = tcp::resolver(io).resolve(host, address.substr(colon + 1), error);
  if (!error && !found.empty()) return found.begin()->endpoint();
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not an address; give HOST:PORT, such as 127.0.0.1:7879", address));
}

class RunningProxy final : public FarmProxy {
 public:
  RunningProxy() : acceptor_(io_), pause_(io_), work_(io_.get_executor()) {}

  ~RunningProxy() override {
    if (!thread_.joinable()) return;
    OnItsThread([this] {
      error_code none;
      acceptor_.close(none);
      pause_.cancel();
      ResetAll();
      work_.reset();
    });
    thread_.join();
  }

  absl::Status Begin(const std::string& listen, const std::string& server);
  int port() const override { return port_; }

  void SetDelay(ProxyWay way, std::chrono::milliseconds delay) override {
    OnItsThread([&] { Way(way).delay = delay; });
  }
  void SetBlackHole(ProxyWay way, bool on) override {
    OnItsThread([&] {
      Way(way).black_hole = on;
      // A copy: a connection may end by it.
      for (const auto& connection : std::set(connections_)) connection->Pump();
    });
  }
  void SetRefusing(bool on) override {
    OnItsThread([&] { refusing_ = on; });
  }
  void Reset() override {
    OnItsThread([&] { ResetAll(); });
  }
  Figures figures() const override {
    Figures figures;
    OnItsThread([&] {
      figures = figures_;
      figures.open = connections_.size();
      figures.to_server_bytes = ways_[0].bytes;
      figures.to_client_bytes = ways_[1].bytes;
    });
    return figures;
  }

 private:
  template <typename Work>
  void OnItsThread(Work work) const {
    std::promise<void> done;
    asio::post(io_, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  WayState& Way(ProxyWay way) { return ways_[way == ProxyWay::kToServer ? 0 : 1]; }
  void ResetAll() {
    for (const auto& connection : std::set(connections_)) connection->Reset();
  }
  void Accept();
  void Take(tcp::socket client);

  mutable asio::io_context io_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  tcp::endpoint server_;
  int port_ = 0;
  std::array<WayState, 2> ways_;
  bool refusing_ = false;
  Figures figures_;
  ProxiedConnection::Owner owner_{
      [this](const std::shared_ptr<ProxiedConnection>& ended) { connections_.erase(ended); },
      [this] { ++figures_.unreachable; }};
  std::set<std::shared_ptr<ProxiedConnection>> connections_;
  std::thread thread_;
};

absl::Status RunningProxy::Begin(const std::string& listen, const std::string& server) {
  const auto at = Resolve(io_, listen);
  if (!at.ok()) return at.status();
  const auto to = Resolve(io_, server);
  if (!to.ok()) return to.status();
  server_ = *to;
  error_code error;
  acceptor_.open(at->protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(*at, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return absl::UnavailableError(fmt::format("cannot listen on {}: {}", listen, error.message()));
  }
  port_ = acceptor_.local_endpoint().port();
  Accept();
  thread_ = std::thread([this] { io_.run(); });
  return absl::OkStatus();
}

void RunningProxy::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket client) {
    if (!acceptor_.is_open()) return;
    if (!error) {
      Take(std::move(client));
      return Accept();
    }
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) Accept();
    });
  });
}

void RunningProxy::Take(tcp::socket client) {
  if (refusing_) {
    ++figures_.refused;
    error_code none;
    client.set_option(asio::socket_base::linger(true, 0), none);
    client.close(none);  // Asio's destructor would linger
    return;
  }
  ++figures_.accepted;
  auto connection = std::make_shared<ProxiedConnection>(std::move(client), server_, ways_, owner_);
  connections_.insert(connection);
  connection->Pump();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FarmProxy>> FarmProxy::Start(const std::string& listen,
                                                            const std::string& server) {
  auto proxy = std::make_unique<RunningProxy>();
  if (absl::Status s = proxy->Begin(listen, server); !s.ok()) return s;
  return proxy;
}

}  // namespace halyard
