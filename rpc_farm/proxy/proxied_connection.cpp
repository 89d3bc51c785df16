#include "rpc_farm/proxy/proxied_connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <utility>

namespace halyard {
namespace {

using boost::system::error_code;

constexpr size_t kPiece = size_t{16} << 10;
constexpr size_t kMostWaiting = size_t{1} << 20;

}  // namespace

ProxiedConnection::ProxiedConnection(Socket client, boost::asio::ip::tcp::endpoint server,
                                     std::array<WayState, 2>& ways, const Owner& owner)
    : client_(std::move(client)),
      server_(client_.get_executor()),
      endpoint_(std::move(server)),
      ways_(ways),
      owner_(owner),
      to_server_(client_, server_, ways_[0]),
      to_client_(server_, client_, ways_[1]) {}

void ProxiedConnection::Pump() {
  if (closed_) return;
  // As a SYN that is lost: the server knows nothing of the client until the hole is closed.
  if (!dialled_ && !ways_[0].black_hole) Dial();
  if (!connected_) return;
  for (Flow* flow : {&to_server_, &to_client_}) {
    Read(*flow);
    Write(*flow);
    if (closed_) return;
  }
}

void ProxiedConnection::Dial() {
  dialled_ = true;
  server_.async_connect(endpoint_, [self = shared_from_this()](const error_code& error) {
    if (self->closed_) return;
    if (error) {
      self->owner_.unreachable();
      return self->Close(/*reset=*/true);
    }
    self->connected_ = true;
    error_code none;
    // A delay is what was asked for, and not what Nagle adds.
    self->client_.set_option(boost::asio::ip::tcp::no_delay(true), none);
    self->server_.set_option(boost::asio::ip::tcp::no_delay(true), none);
    self->Pump();
  });
}

void ProxiedConnection::Read(Flow& flow) {
  if (flow.way.black_hole || flow.reading || flow.source_ended || flow.done ||
      flow.waiting_bytes >= kMostWaiting) {
    return;
  }
  flow.reading = true;
  flow.buffer.resize(kPiece);
  flow.from.async_read_some(
      boost::asio::buffer(flow.buffer),
      [self = shared_from_this(), &flow](const error_code& error, size_t n) {
        flow.reading = false;
        if (self->closed_) return;
        if (error) {
          self->EndSource(flow, error != boost::asio::error::eof);
        } else {
          flow.way.bytes += n;
          flow.waiting_bytes += n;
          flow.waiting.push_back({Clock::now() + flow.way.delay, flow.buffer.substr(0, n)});
        }
        self->Pump();
      });
}

void ProxiedConnection::EndSource(Flow& flow, bool reset) {
  if (flow.source_ended) return;
  flow.source_ended = true;
  flow.source_reset = reset;
  flow.end_due = Clock::now() + flow.way.delay;
}

void ProxiedConnection::Write(Flow& flow) {
  if (flow.way.black_hole || flow.writing || flow.done) return;
  if (flow.waiting.empty() && !flow.source_ended) return;
  const Clock::time_point due = flow.waiting.empty() ? flow.end_due : flow.waiting.front().due;
  if (due > Clock::now()) {
    flow.timer.expires_at(due);
    flow.timer.async_wait([self = shared_from_this()](const error_code& error) {
      if (!error) self->Pump();
    });
  } else if (flow.waiting.empty()) {
    PassEndOn(flow);
  } else {
    WriteFirst(flow);
  }
}

void ProxiedConnection::WriteFirst(Flow& flow) {
  flow.writing = true;
  boost::asio::async_write(flow.to, boost::asio::buffer(flow.waiting.front().bytes),
                           [self = shared_from_this(), &flow](const error_code& error, size_t) {
                             flow.writing = false;
                             if (self->closed_) return;
                             if (error) {
                               self->LoseDestination(flow);
                             } else {
                               flow.waiting_bytes -= flow.waiting.front().bytes.size();
                               flow.waiting.pop_front();
                             }
                             self->Pump();
                           });
}

// Nobody is there any more. The other end learns of it by the way from there, if that is no black
// hole; a read that waits there may have had the error taken from it.
void ProxiedConnection::LoseDestination(Flow& flow) {
  flow.done = true;
  flow.waiting.clear();
  Flow& back = &flow == &to_server_ ? to_client_ : to_server_;
  // Its end was passed on before: a reset comes after it, or nothing would close this connection.
  if (back.done) back.done = back.source_ended = false;
  EndSource(back, /*reset=*/true);
}

void ProxiedConnection::PassEndOn(Flow& flow) {
  if (flow.source_reset) return Close(/*reset=*/true);
  flow.done = true;
  error_code none;
  flow.to.shutdown(Socket::shutdown_send, none);
  if (to_server_.done && to_client_.done) Close(/*reset=*/false);
}

void ProxiedConnection::Close(bool reset) {
  if (closed_) return;
  closed_ = true;
  for (Socket* socket : {&client_, &server_}) {
    error_code none;
    // Closed with no time to linger, a socket resets its connection.
    if (reset) socket->set_option(boost::asio::socket_base::linger(true, 0), none);
    socket->close(none);
  }
  to_server_.timer.cancel();
  to_client_.timer.cancel();
  owner_.ended(shared_from_this());
}

}  // namespace halyard
