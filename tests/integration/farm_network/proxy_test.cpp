// The proxy does to a connection what it is told, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <stdexcept>
#include <thread>

#include "rpc_farm/proxy/farm_proxy.h"
#include "rpc_farm/proxy/proxy_commands.h"
#include "targets/child_process.h"
#include "tests/integration/farm_network/loopback_socket.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::StartsWith;
using Clock = std::chrono::steady_clock;
using End = LoopbackSocket::End;

constexpr milliseconds kSoon{5'000}, kMoment{150};
constexpr ProxyWay kBothWays[] = {ProxyWay::kToServer, ProxyWay::kToClient};

std::string RandomBytes(size_t size, unsigned seed) {
  std::mt19937 random{seed};
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

class Proxy : public testing::Test {
 protected:
  void SetUp() override {
    auto proxy = FarmProxy::Start("127.0.0.1:0", Server());
    ASSERT_TRUE(proxy.ok()) << proxy.status();
    proxy_ = *std::move(proxy);
  }
  std::string Server() const { return "127.0.0.1:" + std::to_string(server_.port()); }
  // Through the proxy, with a byte each way.
  void Connect() {
    client_ = LoopbackSocket::Connect(proxy_->port());
    auto accepted = server_.Accept(kSoon);
    ASSERT_TRUE(accepted.has_value());
    other_ = *std::move(accepted);
    ExpectGoes(client_, other_);
    ExpectGoes(other_, client_);
  }
  static void ExpectGoes(const LoopbackSocket& from, const LoopbackSocket& to) {
    from.Send("x");
    EXPECT_EQ(to.Receive(1, kSoon), "x");
  }
  bool SoonOpen(uint64_t connections) const {
    for (int i = 0; i < 500 && proxy_->figures().open != connections; ++i) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    return proxy_->figures().open == connections;
  }

  LoopbackServer server_;
  std::unique_ptr<FarmProxy> proxy_;
  LoopbackSocket client_, other_;
};

TEST_F(Proxy, BytesArriveUnchangedBothWaysAtOnceAndLateByTheDelay) {
  constexpr size_t kSize = size_t{1} << 20;
  for (const milliseconds delay : {milliseconds(0), milliseconds(40)}) {
    for (const ProxyWay way : kBothWays) proxy_->SetDelay(way, delay);
    Connect();
    const std::string there = RandomBytes(kSize, 1), back = RandomBytes(kSize, 2);
    const auto began = Clock::now();
    std::thread sender([&] { client_.Send(there), client_.EndSending(); });
    std::thread answerer([&] { other_.Send(back), other_.EndSending(); });
    std::string got_back;
    std::thread reader([&] { got_back = client_.Receive(kSize + 1, kSoon); });
    EXPECT_EQ(other_.Receive(kSize + 1, kSoon), there);
    sender.join();
    answerer.join();
    reader.join();
    EXPECT_EQ(got_back, back);
    EXPECT_GE(Clock::now() - began, delay);
    EXPECT_EQ(client_.AwaitEnd(kSoon), End::kClosed) << "the end comes after the bytes";
    EXPECT_TRUE(SoonOpen(0));
  }
}

TEST_F(Proxy, ADelayIsOfItsDirection) {
  Connect();
  proxy_->SetDelay(ProxyWay::kToServer, milliseconds(300));
  const auto began = Clock::now();
  client_.Send("x");
  EXPECT_EQ(other_.Receive(1, kMoment), "");
  ExpectGoes(other_, client_);
  EXPECT_EQ(other_.Receive(1, kSoon), "x");
  EXPECT_GE(Clock::now() - began, milliseconds(300));
}

TEST_F(Proxy, ABlackHoleIsOfItsDirectionAndWhatItHeldGoesOnAfterwards) {
  for (const ProxyWay way : kBothWays) {
    Connect();
    LoopbackSocket& from = way == ProxyWay::kToServer ? client_ : other_;
    LoopbackSocket& to = way == ProxyWay::kToServer ? other_ : client_;
    proxy_->SetBlackHole(way, true);
    const std::string held = RandomBytes(100'000, 3);
    from.Send(held);
    EXPECT_EQ(to.Receive(1, kMoment), "");
    ExpectGoes(to, from);
    proxy_->SetBlackHole(way, false);
    EXPECT_EQ(to.Receive(held.size(), kSoon), held);
  }
}

TEST_F(Proxy, ABlackHoleSwallowsEndsAndResetsToo) {
  Connect();
  for (const ProxyWay way : kBothWays) proxy_->SetBlackHole(way, true);
  client_.CloseWithReset();
  EXPECT_EQ(other_.AwaitEnd(kMoment), End::kOpen);
  // What the server still says does not tell it either.
  other_.Send("x");
  EXPECT_EQ(other_.AwaitEnd(kMoment), End::kOpen);
  EXPECT_EQ(proxy_->figures().open, 1u);
  for (const ProxyWay way : kBothWays) proxy_->SetBlackHole(way, false);
  EXPECT_EQ(other_.AwaitEnd(kSoon), End::kReset);
  EXPECT_TRUE(SoonOpen(0));
}

TEST_F(Proxy, ANewConnectionDoesNotReachTheServerThroughABlackHole) {
  proxy_->SetBlackHole(ProxyWay::kToServer, true);
  client_ = LoopbackSocket::Connect(proxy_->port());
  EXPECT_FALSE(server_.Accept(kMoment).has_value());
  proxy_->SetBlackHole(ProxyWay::kToServer, false);
  EXPECT_TRUE(server_.Accept(kSoon).has_value());
}

TEST_F(Proxy, AResetIsOneAtBothEndsAndOnlyOfWhatIsOpen) {
  Connect();
  proxy_->Reset();
  EXPECT_EQ(client_.AwaitEnd(kSoon), End::kReset);
  EXPECT_EQ(other_.AwaitEnd(kSoon), End::kReset);
  EXPECT_TRUE(SoonOpen(0));
  Connect();
}

TEST_F(Proxy, EndsAndResetsOfEitherSideReachTheOther) {
  Connect();
  client_.EndSending();
  EXPECT_EQ(other_.AwaitEnd(kSoon), End::kClosed);
  ExpectGoes(other_, client_);  // the other half lives
  other_.Close();
  EXPECT_EQ(client_.AwaitEnd(kSoon), End::kClosed);
  EXPECT_TRUE(SoonOpen(0));
  Connect();
  other_.CloseWithReset();
  EXPECT_EQ(client_.AwaitEnd(kSoon), End::kReset);
  EXPECT_TRUE(SoonOpen(0));
}

// As of a program that is killed while the other end has still to answer.
TEST_F(Proxy, WhoSendsToAnEndThatHasClosedIsReset) {
  for (const ProxyWay way : kBothWays) {
    Connect();
    LoopbackSocket& gone = way == ProxyWay::kToServer ? client_ : other_;
    LoopbackSocket& stays = way == ProxyWay::kToServer ? other_ : client_;
    gone.Close();
    EXPECT_EQ(stays.AwaitEnd(kSoon), End::kClosed) << "so far it may send";
    // The first is answered by a reset, the second finds nobody.
    for (const char* bytes : {"a", "b"}) {
      stays.Send(bytes);
      std::this_thread::sleep_for(kMoment);
    }
    EXPECT_TRUE(SoonOpen(0));
    EXPECT_THROW(stays.Send("c"), std::runtime_error);
  }
}

TEST_F(Proxy, RefusedConnectionsAreResetAndAServerThatIsAwayResetsToo) {
  proxy_->SetRefusing(true);
  EXPECT_EQ(LoopbackSocket::Connect(proxy_->port()).AwaitEnd(kSoon), End::kReset);
  EXPECT_EQ(proxy_->figures().refused, 1u);
  proxy_->SetRefusing(false);
  Connect();
  const int nobody = [] { return LoopbackServer().port(); }();
  const auto alone = FarmProxy::Start("127.0.0.1:0", "127.0.0.1:" + std::to_string(nobody));
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(LoopbackSocket::Connect((*alone)->port()).AwaitEnd(kSoon), End::kReset);
  EXPECT_EQ((*alone)->figures().unreachable, 1u);
}

TEST_F(Proxy, AThousandConnectionsLeaveNoDescriptor) {
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 1000; ++i) {
    LoopbackSocket client = LoopbackSocket::Connect(proxy_->port());
    auto other = server_.Accept(kSoon);
    ASSERT_TRUE(other.has_value());
    client.Send("x");
    // Ended at once, by either side, in order or by a reset, or cut from between.
    if (i % 5 == 0) client.CloseWithReset();
    if (i % 5 == 1) other->CloseWithReset();
    if (i % 5 == 2) proxy_->Reset();
    if (i % 5 == 3) {
      EXPECT_EQ(other->Receive(1, kSoon), "x");
    }
  }
  EXPECT_TRUE(SoonOpen(0));
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(proxy_->figures().accepted, 1000u);
}

TEST_F(Proxy, AnAddressThatIsNoneAndAPortThatIsTakenAreTold) {
  const auto bad = FarmProxy::Start("127.0.0.1:0", "tracker");
  EXPECT_THAT(bad.status().message(), HasSubstr("'tracker' is not an address; give HOST:PORT"));
  const auto taken = FarmProxy::Start(Server(), Server());
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(taken.status().message(), HasSubstr(Server()));
}

TEST_F(Proxy, CommandsAreLines) {
  Connect();
  EXPECT_EQ(DoProxyCommand(*proxy_, "hole to-server"), "ok");
  client_.Send("x");
  EXPECT_EQ(other_.Receive(1, kMoment), "");
  EXPECT_EQ(DoProxyCommand(*proxy_, "open"), "ok");
  EXPECT_EQ(other_.Receive(1, kSoon), "x");
  EXPECT_EQ(DoProxyCommand(*proxy_, "delay 1 both"), "ok");
  EXPECT_THAT(DoProxyCommand(*proxy_, "figures"), StartsWith("open 1 accepted 1 refused 0 "));
  EXPECT_EQ(DoProxyCommand(*proxy_, "reset"), "ok");
  EXPECT_EQ(client_.AwaitEnd(kSoon), End::kReset);
  EXPECT_EQ(DoProxyCommand(*proxy_, "refuse"), "ok");
  EXPECT_EQ(LoopbackSocket::Connect(proxy_->port()).AwaitEnd(kSoon), End::kReset);
  EXPECT_EQ(DoProxyCommand(*proxy_, "accept"), "ok");
  Connect();
  for (const char* wrong : {"", "holes", "hole up", "hole both both", "delay", "delay -1",
                            "delay 1 2", "delay 600001", "reset now"}) {
    EXPECT_THAT(DoProxyCommand(*proxy_, wrong), StartsWith("error: ")) << wrong;
  }
  ExpectGoes(client_, other_);
}

TEST(ProxyProgram, TakesCommandsFromStdinUntilItIsToldToEnd) {
  ChildLimits limits;
  limits.deadline = milliseconds(20'000);
  // The figures are the last answer: then it is ended, as by a script.
  const ChildResult told =
      RunChild({"sh", "-c",
                "{ printf 'hole to-client\\nhole up\\nfigures\\n'; sleep 1; } | "
                "timeout -s TERM 1 " HALYARD_FARM_PROXY " --to 127.0.0.1:9; echo ended"},
               "", limits);
  EXPECT_THAT(told.out, StartsWith("listens at 127.0.0.1:"));
  EXPECT_THAT(told.out, HasSubstr("\nok\nerror: hole goes to-server, to-client or both\nopen 0 "));
  EXPECT_THAT(told.out, HasSubstr("ended"));
  EXPECT_EQ(RunChild({HALYARD_FARM_PROXY, "--to", "nowhere"}, "", limits).exit_code, 2);
  EXPECT_THAT(RunChild({HALYARD_FARM_PROXY}, "", limits).err, HasSubstr("--to is missing"));
}

}  // namespace
}  // namespace halyard
