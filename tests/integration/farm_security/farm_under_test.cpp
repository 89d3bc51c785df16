#include "tests/integration/farm_security/farm_under_test.h"

#include "absl/time/clock.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"
#include "tests/integration/farm_security/enrolment.h"

namespace halyard {
namespace {

class Waiting : public grpc::ServerWriteReactor<v1::RequestResult> {
 public:
  Waiting(std::atomic<int>& streams, const std::string& serial) : streams_(streams) {
    streams_++;
    result_.set_why(serial);
    StartWrite(&result_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) Finish(grpc::Status::CANCELLED);
  }
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override {
    streams_--;
    delete this;
  }

 private:
  std::atomic<int>& streams_;
  v1::RequestResult result_;
};

class Echo : public grpc::ServerBidiReactor<v1::AgentMessage, v1::TrackerMessage> {
 public:
  Echo() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&answer_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&message_);
  }
  void OnDone() override { delete this; }

 private:
  v1::AgentMessage message_;
  v1::TrackerMessage answer_;
};

std::chrono::system_clock::time_point Soon() {
  return std::chrono::system_clock::now() + std::chrono::seconds(10);
}

}  // namespace

grpc::ServerUnaryReactor* CountingFarm::OpenSession(grpc::CallbackServerContext* context,
                                                    const v1::OpenSessionRequest*,
                                                    v1::OpenSessionReply* reply) {
  calls++;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_ = PeerOf(*context);
    reply->set_session(last_.serial);
  }
  auto* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

PeerIdentity CountingFarm::last() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_;
}

grpc::ServerWriteReactor<v1::RequestResult>* CountingFarm::Results(
    grpc::CallbackServerContext* context, const v1::ResultsRequest*) {
  calls++;
  return new Waiting(streams, PeerOf(*context).serial);
}

grpc::ServerBidiReactor<v1::AgentMessage, v1::TrackerMessage>* CountingAgents::Connect(
    grpc::CallbackServerContext*) {
  calls++;
  return new Echo;
}

grpc::Status CountingAdmin::GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                                      v1::FarmStatus*) {
  calls++;
  return grpc::Status::OK;
}

grpc::Status CountingAdmin::Drain(grpc::ServerContext*, const v1::BoardRequest*, v1::BoardReply*) {
  calls++;
  return grpc::Status::OK;
}

void FarmUnderTest::SetUp() {
  const auto made = CertificateAuthority::Create(authority_folder(), {"127.0.0.1", "localhost"},
                                                 "root", absl::Now());
  ASSERT_TRUE(made.ok()) << made;
}

void FarmUnderTest::TearDown() { Stop(); }

void FarmUnderTest::Serve(const std::string& folder, const FarmLimits& limits) {
  Stop();
  if (!folder.empty()) {
    auto authorizer = Authorizer::Open(folder, limits);
    ASSERT_TRUE(authorizer.ok()) << authorizer.status();
    authorizer_ = *authorizer;
  }
  const std::string where = "127.0.0.1:" + std::to_string(port_);
  const auto credentials = ServerCredentialsFrom(folder, where, authorizer_, tell_);
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  grpc::ServerBuilder builder;
  ConfigureServer(builder, limits, authorizer_);
  auto listener = FarmListener::Bind(where, limits);
  ASSERT_TRUE(listener.ok()) << listener.status();
  listener_ = *std::move(listener);
  port_ = listener_->port();
  listener_->AddTo(builder, *credentials);
  builder.RegisterService(&farm_);
  builder.RegisterService(&agents_);
  builder.RegisterService(&admin_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  listener_->Start();
}

void FarmUnderTest::Stop() {
  if (server_ == nullptr) return;
  if (listener_ != nullptr) listener_->Stop();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

std::string FarmUnderTest::Enroll(FarmRole role, const std::string& name) {
  return Enroll(role, name, ValidFor(absl::Hours(24)), authority_folder());
}

std::string FarmUnderTest::Enroll(FarmRole role, const std::string& name, const Validity& validity,
                                  const std::string& authority) {
  const std::string folder = folder_.path() + "/" + FarmRoleName(role) + "-" + name;
  return EnrollInto(folder, authority, {role, name}, validity);
}

std::string FarmUnderTest::EnrollAnew(const std::string& folder, FarmRole role,
                                      const std::string& name) {
  return EnrollInto(folder, authority_folder(), {role, name}, ValidFor(absl::Hours(24)));
}

void FarmUnderTest::Revoke(const std::string& serial) {
  auto authority = CertificateAuthority::Open(authority_folder());
  ASSERT_TRUE(authority.ok()) << authority.status();
  ASSERT_TRUE(authority->Revoke({serial}, absl::Now()).ok());
}

std::string FarmUnderTest::SerialIn(const std::string& folder) {
  const auto facts = ReadHolderFolder(folder, absl::Now());
  EXPECT_TRUE(facts.ok()) << facts.status();
  return facts.ok() ? facts->serial : "";
}

std::shared_ptr<grpc::Channel> FarmUnderTest::ChannelOf(const std::string& folder,
                                                        const std::string& host) const {
  const auto credentials = ChannelCredentialsFrom(folder, address(host));
  EXPECT_TRUE(credentials.ok()) << credentials.status();
  auto arguments = FarmChannelArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address(host), *credentials, arguments);
}

std::shared_ptr<grpc::Channel> FarmUnderTest::BlindChannelOf(const std::string& folder) const {
  return BlindChannel(folder, address());
}

grpc::Status FarmUnderTest::Open(grpc::Channel& channel) {
  grpc::ClientContext context;
  context.set_deadline(Soon());
  v1::OpenSessionReply reply;
  const auto stub = v1::Farm::NewStub(std::shared_ptr<grpc::Channel>(&channel, [](auto*) {}));
  return stub->OpenSession(&context, {}, &reply);
}

grpc::Status FarmUnderTest::Call(v1::Farm::StubInterface& stub) {
  grpc::ClientContext context;
  context.set_deadline(Soon());
  v1::OpenSessionReply reply;
  return stub.OpenSession(&context, {}, &reply);
}

}  // namespace halyard
