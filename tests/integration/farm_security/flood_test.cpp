// One who asks too much is refused; the others do not notice.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "rpc_farm/client/farm_client.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"
#include "tests/integration/farm_security/farm_under_test.h"

namespace halyard {
namespace {

void ConnectTo(int fd, int port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0) << strerror(errno);
}

// Somebody who connects and says nothing.
class SilentConnections {
 public:
  SilentConnections(int port, int number, const char* from = "127.0.0.1") {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    inet_pton(AF_INET, from, &own.sin_addr);
    for (int i = 0; i < number; i++) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
      ConnectTo(fd, port);
      sockets_.push_back(fd);
    }
  }
  SilentConnections(const SilentConnections&) = delete;
  SilentConnections& operator=(const SilentConnections&) = delete;
  ~SilentConnections() {
    for (const int fd : sockets_) close(fd);
  }
  // How many the other side closed, within 20 s each.
  int WaitForTheirEnd() const {
    int ended = 0;
    for (const int fd : sockets_) {
      const timeval patience{20, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      char byte = 0;
      errno = 0;
      ended += recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN;
    }
    return ended;
  }

 private:
  std::vector<int> sockets_;
};

class Flood : public FarmUnderTest {
 protected:
  std::string tracker() const { return authority_folder() + "/tracker"; }
};

TEST_F(Flood, OfCalls) {
  FarmLimits limits;
  limits.calls_per_second = 20;
  limits.call_burst = 30;
  Serve(tracker(), limits);
  const auto eves = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "eve")));
  const auto anns = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "ann")));
  const absl::Time begin = absl::Now();
  int let_in = 0, refused = 0;
  for (int i = 0; i < 1000; i++) {
    const grpc::Status s = Call(*eves);
    if (s.ok()) {
      let_in++;
    } else {
      refused++;
      EXPECT_EQ(s.error_code(), grpc::RESOURCE_EXHAUSTED);
      EXPECT_EQ(s.error_message(), "eve makes more than 20 calls a second; wait a second");
    }
    if (i % 50 == 0) {
      EXPECT_TRUE(Call(*anns).ok());
    }
  }
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  EXPECT_LE(let_in, 30 + 20 * seconds + 1);
  EXPECT_GE(let_in, 30);
  EXPECT_EQ(handled(), let_in + 20);
  EXPECT_EQ(authorizer_->refusals().rate, static_cast<uint64_t>(refused));
}

// From two connections: the limit is the identity's. The count falls again as calls end.
TEST_F(Flood, OfOpenCalls) {
  FarmLimits limits;
  limits.open_calls = 8;
  Serve(tracker(), limits);
  const std::string eve = Enroll(FarmRole::kClient, "eve");
  const std::unique_ptr<v1::Farm::Stub> eves[] = {v1::Farm::NewStub(ChannelOf(eve)),
                                                  v1::Farm::NewStub(ChannelOf(eve))};
  const auto anns = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "ann")));
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::RequestResult>>> streams;
  int refused = 0;
  for (int i = 0; i < 40; i++) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(eves[i % 2]->Results(contexts.back().get(), {}));
    v1::RequestResult result;
    if (streams.back()->Read(&result)) continue;
    const grpc::Status s = streams.back()->Finish();
    EXPECT_EQ(s.error_message(),
              "eve has 8 calls open, the most one may have; end some, or wait a second");
    refused += s.error_code() == grpc::RESOURCE_EXHAUSTED;
    contexts.pop_back();
    streams.pop_back();
  }
  EXPECT_EQ(refused, 32);
  EXPECT_EQ(farm_.streams, 8);
  EXPECT_EQ(authorizer_->refusals().open_calls, 32u);
  EXPECT_FALSE(Call(*eves[0]).ok());
  EXPECT_TRUE(Call(*anns).ok());
  for (auto& context : contexts) context->TryCancel();
  for (auto& stream : streams) stream->Finish();
  const absl::Time begin = absl::Now();
  // A client sees the end of its call somewhat before the server counts it.
  const auto open = [&](const char* who) { return authorizer_->open_calls()->open(who); };
  while (open("client/eve") + open("client/ann") > 0 && absl::Now() < begin + absl::Seconds(20)) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_EQ(open("client/eve"), 0);
  EXPECT_EQ(open("client/ann"), 0);
  EXPECT_TRUE(Call(*eves[0]).ok());
}

TEST_F(Flood, OfBytes) {
  FarmLimits limits;
  limits.message_bytes = 100'000;
  Serve(tracker(), limits);
  const auto stub = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "eve")));
  const auto others = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "ann")));
  {
    grpc::ClientContext context;
    v1::OpenSessionRequest request;
    request.set_label(std::string(200'000, 'x'));
    v1::OpenSessionReply reply;
    EXPECT_EQ(stub->OpenSession(&context, request, &reply).error_code(), grpc::RESOURCE_EXHAUSTED);
  }
  {
    grpc::ClientContext context;
    context.AddMetadata("x-much", std::string(20'000, 'x'));
    v1::OpenSessionReply reply;
    // gRPC may close the connection, too; that is the sender's alone.
    EXPECT_FALSE(stub->OpenSession(&context, {}, &reply).ok());
  }
  EXPECT_EQ(handled(), 0);
  EXPECT_TRUE(Call(*others).ok());
}

// Connections on which nothing is ever said go when the handshake's time is over; meanwhile others
// work.
TEST_F(Flood, OfSilentConnections) {
  FarmLimits limits;
  limits.handshake = std::chrono::milliseconds(1000);
  Serve(tracker(), limits);
  const auto stub = v1::Farm::NewStub(ChannelOf(Enroll(FarmRole::kClient, "ann")));
  const SilentConnections silent(port_, 200);
  EXPECT_TRUE(Call(*stub).ok());
  EXPECT_EQ(silent.WaitForTheirEnd(), 200);
  EXPECT_TRUE(Call(*stub).ok());
}

// Above the limit a connection is closed at once; those that are there stay, and room comes back.
TEST_F(Flood, OfConnections) {
  FarmLimits limits;
  limits.handshake = std::chrono::milliseconds(3000);
  limits.connections = 20;
  Serve(tracker(), limits);
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto stub = v1::Farm::NewStub(ChannelOf(ann));
  ASSERT_TRUE(Call(*stub).ok());
  const SilentConnections silent(port_, 100);
  EXPECT_TRUE(Call(*stub).ok());
  EXPECT_EQ(silent.WaitForTheirEnd(), 100);
  EXPECT_EQ(listener_->refused(), 81u);
  EXPECT_TRUE(Open(*ChannelOf(ann)).ok());
}

TEST_F(Flood, OneAddressLeavesRoomForOthers) {
  FarmLimits limits;
  limits.handshake = std::chrono::milliseconds(3000);
  limits.connections = 20;
  limits.connections_from_one_address = 10;
  Serve(tracker(), limits);
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const SilentConnections silent(port_, 50, "127.0.0.2");
  EXPECT_TRUE(Open(*ChannelOf(ann)).ok());
  EXPECT_EQ(silent.WaitForTheirEnd(), 50);
  EXPECT_EQ(listener_->refused(), 40u);
}

// No file is left to accept with: that passes. (gRPC's own listener would never accept again.)
TEST_F(Flood, OfFiles) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto stub = v1::Farm::NewStub(ChannelOf(ann));
  ASSERT_TRUE(Call(*stub).ok());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  close(next);
  const rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  std::vector<int> spare;  // more than what other threads may just now have open for a moment
  for (int i = 0; i < 8; i++) spare.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  for (const int fd : spare) ConnectTo(fd, port_);
  const absl::Time begin = absl::Now();
  while (listener_->failed() == 0 && absl::Now() < begin + absl::Seconds(20)) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_GT(listener_->failed(), 0u);
  EXPECT_TRUE(Call(*stub).ok()) << "who is connected does not notice";
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(Open(*ChannelOf(ann)).ok());
  for (const int fd : spare) close(fd);
}

// A client that pings far more often than the protocol's keepalive loses its connection; one that
// pings somewhat more often does not.
TEST_F(Flood, OfPings) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto credentials = ChannelCredentialsFrom(ann, address());
  ASSERT_TRUE(credentials.ok());
  const auto stream_lasts = [&](const grpc::ChannelArguments& arguments, absl::Duration time) {
    const auto stub =
        v1::Farm::NewStub(grpc::CreateCustomChannel(address(), *credentials, arguments));
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + time));
    const auto stream = stub->Results(&context, {});
    v1::RequestResult result;
    EXPECT_TRUE(stream->Read(&result));
    stream->Read(&result);
    const grpc::Status s = stream->Finish();
    return s.error_code() == grpc::DEADLINE_EXCEEDED;
  };
  const auto pinging = [](int interval_ms) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, interval_ms);
    arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    return arguments;
  };
  bool eager_lasts = true;
  std::thread eager([&] { eager_lasts = stream_lasts(pinging(1000), absl::Seconds(26)); });
  // gRPC's own limit, 5 minutes, would end this one at its fourth ping.
  EXPECT_TRUE(stream_lasts(pinging(5500), absl::Seconds(26)));
  eager.join();
  EXPECT_FALSE(eager_lasts);
}

// The port is one tracker's.
TEST_F(Flood, NoSecondTrackerOnThePort) {
  Serve();
  const auto second = FarmListener::Bind(address(), {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(second.status().message(), "cannot listen on " + address() + ": the port is taken");
  const auto elsewhere = FarmListener::Bind("192.0.2.1:0", {});
  EXPECT_EQ(elsewhere.status().message(),
            "cannot listen on 192.0.2.1:0: the address is not this machine's");
  for (const std::string bad :
       {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:http", "[::1:80"}) {
    EXPECT_EQ(FarmListener::Bind(bad, {}).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_TRUE(FarmListener::Bind("localhost:0", {}).ok());
}

// Who is over a rate is told to wait a second, and the client does.
TEST_F(Flood, AClientWaitsForItsRate) {
  FarmLimits limits;
  limits.calls_per_second = 1;
  limits.call_burst = 2;
  Serve(tracker(), limits);
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto stub = v1::Farm::NewStub(ChannelOf(ann));
  while (Call(*stub).ok()) {
  }
  FarmClientOptions options;
  options.address = address();
  options.certificates = ann;
  const uint64_t refused = authorizer_->refusals().rate;
  const auto client = FarmClient::Connect(options);
  EXPECT_TRUE(client.ok()) << client.status();
  EXPECT_GT(authorizer_->refusals().rate, refused) << "it was refused at first";
}

}  // namespace
}  // namespace halyard
