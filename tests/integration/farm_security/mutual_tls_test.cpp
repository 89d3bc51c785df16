// Who gets in, and that nobody else reaches a handler.

#include <grpcpp/generic/generic_stub.h>
#include <openssl/ssl.h>

#include <future>

#include "absl/time/clock.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/server_setup.h"
#include "tests/integration/farm_security/farm_under_test.h"

namespace halyard {
namespace {

constexpr int kTries = 20;

class MutualTls : public FarmUnderTest {
 protected:
  // Every try is refused with the code, and no handler runs.
  void ExpectRefused(grpc::Channel& channel, grpc::StatusCode code, const std::string& says = "") {
    const int before = handled();
    for (int i = 0; i < kTries; i++) {
      const grpc::Status status = Open(channel);
      EXPECT_EQ(status.error_code(), code) << status.error_message();
      EXPECT_NE(status.error_message().find(says), std::string::npos) << status.error_message();
    }
    EXPECT_EQ(handled(), before);
  }
  // TLS 1.3: a client whose certificate the server refuses only sees the connection go.
  void ExpectNoHandshake(grpc::Channel& channel, const std::string& why = "Socket closed") {
    ExpectRefused(channel, grpc::UNAVAILABLE, why);
  }

  std::string NewAuthority(const std::string& name) {
    const std::string dir = folder_.path() + "/" + name;
    EXPECT_TRUE(CertificateAuthority::Create(dir, {"127.0.0.1"}, "root", absl::Now()).ok());
    return dir;
  }
};

TEST_F(MutualTls, HandlersSeeWhoCalls) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto status = Open(*ChannelOf(ann));
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(farm_.last().role, FarmRole::kClient);
  EXPECT_EQ(farm_.last().name, "ann");
  EXPECT_EQ(farm_.last().serial, SerialIn(ann));
  EXPECT_TRUE(Open(*ChannelOf(ann, "localhost")).ok());
  EXPECT_TRUE(Open(*ChannelOf(authority_folder() + "/admin")).ok());
  EXPECT_EQ(farm_.last().role, FarmRole::kAdmin);
  EXPECT_EQ(farm_.last().name, "root");
}

TEST_F(MutualTls, NoCertificate) {
  Serve();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = *ReadWholeFile(authority_folder() + "/ca.pem");
  const auto channel =
      grpc::CreateCustomChannel(address(), grpc::SslCredentials(options), FarmChannelArguments());
  ExpectNoHandshake(*channel);
}

TEST_F(MutualTls, Expired) {
  Serve();
  const absl::Time now = absl::Now();
  const std::string folder = Enroll(
      FarmRole::kClient, "old", {now - absl::Hours(48), now - absl::Hours(24)}, authority_folder());
  ExpectNoHandshake(*BlindChannelOf(folder));
  const auto told = ChannelCredentialsFrom(folder, address());
  EXPECT_NE(told.status().message().find("expired on"), std::string::npos) << told.status();
}

TEST_F(MutualTls, NotValidYet) {
  Serve();
  const absl::Time now = absl::Now();
  const std::string folder =
      Enroll(FarmRole::kClient, "early", {now + absl::Hours(24), now + absl::Hours(48)},
             authority_folder());
  ExpectNoHandshake(*BlindChannelOf(folder));
  const auto told = ChannelCredentialsFrom(folder, address());
  EXPECT_NE(told.status().message().find("valid only from"), std::string::npos) << told.status();
}

// Good while the connection began, expired since.
TEST_F(MutualTls, ExpiresWhileConnected) {
  Serve();
  const absl::Time now = absl::Now();
  const std::string folder =
      Enroll(FarmRole::kClient, "brief", {now - absl::Hours(1), now + absl::Seconds(4)},
             authority_folder());
  const auto channel = ChannelOf(folder);
  EXPECT_TRUE(Open(*channel).ok());
  absl::SleepFor(now + absl::Seconds(5) - absl::Now());
  ExpectRefused(*channel, grpc::UNAUTHENTICATED, "has expired");
  EXPECT_EQ(authorizer_->refusals().expired, kTries);
}

TEST_F(MutualTls, AnotherAuthoritysClient) {
  Serve();
  const std::string other = NewAuthority("other");
  const absl::Time now = absl::Now();
  const std::string folder =
      Enroll(FarmRole::kClient, "eve", {now - absl::Hours(1), now + absl::Hours(1)}, other);
  ExpectNoHandshake(*BlindChannelOf(folder), "certificate verify failed");
  // It knows our authority, but cannot show anything of it.
  ASSERT_TRUE(
      WriteFileAtomically(folder + "/ca.pem", *ReadWholeFile(authority_folder() + "/ca.pem"), 0644)
          .ok());
  ExpectNoHandshake(*BlindChannelOf(folder));
  const auto told = ChannelCredentialsFrom(folder, address());
  EXPECT_NE(told.status().message().find("is not of the farm"), std::string::npos) << told.status();
}

// A tracker's certificate is for servers: it opens no door as a client's.
TEST_F(MutualTls, TrackersCertificateAsClient) {
  Serve();
  ExpectNoHandshake(*BlindChannelOf(authority_folder() + "/tracker"));
}

TEST_F(MutualTls, Roles) {
  Serve();
  const auto client = ChannelOf(Enroll(FarmRole::kClient, "ann"));
  const auto agent = ChannelOf(Enroll(FarmRole::kAgent, "rack1"));
  const auto admin = ChannelOf(authority_folder() + "/admin");
  const auto status = [](grpc::Channel& channel) {
    grpc::ClientContext context;
    v1::FarmStatus reply;
    return v1::Admin::NewStub({&channel, [](auto*) {}})->GetStatus(&context, {}, &reply);
  };
  const auto drain = [](grpc::Channel& channel) {
    grpc::ClientContext context;
    v1::BoardReply reply;
    return v1::Admin::NewStub({&channel, [](auto*) {}})->Drain(&context, {}, &reply);
  };
  const auto connect = [](grpc::Channel& channel) {
    grpc::ClientContext context;
    const auto stub = v1::Agents::NewStub({&channel, [](auto*) {}});
    const auto stream = stub->Connect(&context);
    v1::TrackerMessage answer;
    stream->Write({});
    const bool answered = stream->Read(&answer);
    stream->WritesDone();
    const auto s = stream->Finish();
    EXPECT_EQ(answered, s.ok());
    return s;
  };
  const auto unknown = [](const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    grpc::TemplatedGenericStub<v1::OpenSessionRequest, v1::OpenSessionReply> stub(channel);
    const v1::OpenSessionRequest request;
    v1::OpenSessionReply reply;
    std::promise<grpc::StatusCode> code;
    stub.UnaryCall(&context, "/halyard.farm.v2.Farm/OpenSession", {}, &request, &reply,
                   [&](const grpc::Status& s) { code.set_value(s.error_code()); });
    return code.get_future().get();
  };
  struct Row {
    grpc::Channel& who;
    grpc::StatusCode open, status, drain, connect;
  };
  const auto no = grpc::PERMISSION_DENIED, yes = grpc::OK;
  const Row rows[] = {
      {*client, yes, yes, no, no}, {*agent, no, no, no, yes}, {*admin, yes, yes, yes, no}};
  int let_in = 0;
  for (const Row& row : rows) {
    EXPECT_EQ(Open(row.who).error_code(), row.open);
    EXPECT_EQ(status(row.who).error_code(), row.status);
    EXPECT_EQ(drain(row.who).error_code(), row.drain);
    EXPECT_EQ(connect(row.who).error_code(), row.connect);
    for (const auto code : {row.open, row.status, row.drain, row.connect}) let_in += code == yes;
  }
  for (const auto& who : {client, agent, admin}) {
    EXPECT_EQ(unknown(who), grpc::PERMISSION_DENIED);
  }
  EXPECT_EQ(handled(), let_in);
  EXPECT_EQ(let_in, 6);
  EXPECT_EQ(authorizer_->refusals().role, 9u);
  EXPECT_EQ(Open(*agent).error_message(),
            "rack1 is of role agent, which may not call /halyard.farm.v1.Farm/OpenSession");
}

TEST_F(MutualTls, RevokedOnANewAndOnAnOldConnection) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const auto old_channel = ChannelOf(ann);
  EXPECT_TRUE(Open(*old_channel).ok());
  Revoke(SerialIn(ann));
  absl::SleepFor(absl::Milliseconds(1100));
  ExpectRefused(*old_channel, grpc::UNAUTHENTICATED, "has been revoked");
  ExpectRefused(*ChannelOf(ann), grpc::UNAUTHENTICATED, "ann");
  EXPECT_EQ(authorizer_->refusals().revoked, 2 * kTries);
  EXPECT_TRUE(Open(*ChannelOf(Enroll(FarmRole::kClient, "ann"))).ok()) << "enrolled again";
}

// A stream that is open already is for its handler to end: it asks, and is told within a second.
TEST_F(MutualTls, RevokedWhileItsStreamIsOpen) {
  Serve();
  const std::string rack = Enroll(FarmRole::kAgent, "rack1");
  PeerIdentity peer;
  peer.role = FarmRole::kAgent;
  peer.name = "rack1";
  peer.serial = SerialIn(rack);
  EXPECT_TRUE(authorizer_->StillWelcome(peer).ok());
  Revoke(peer.serial);
  const absl::Time revoked = absl::Now();
  while (authorizer_->StillWelcome(peer).ok() && absl::Now() < revoked + absl::Seconds(10)) {
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_LT(absl::Now() - revoked, absl::Seconds(5));
  EXPECT_EQ(authorizer_->StillWelcome(peer).error_code(), grpc::UNAUTHENTICATED);
}

// The client's side: somebody else who answers on the tracker's address.
TEST_F(MutualTls, ClientRefusesImpostors) {
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  {
    const std::string other = NewAuthority("other");
    Serve(other + "/tracker");
    ExpectNoHandshake(*ChannelOf(ann), "certificate verify failed");
  }
  // Of our authority, but for another host.
  auto authority = CertificateAuthority::Open(authority_folder());
  ASSERT_TRUE(authority.ok());
  const absl::Time now = absl::Now();
  const auto elsewhere = authority->Issue({FarmRole::kTracker, "tracker"}, {"tracker.example"},
                                          {now - absl::Hours(1), now + absl::Hours(1)}, now);
  ASSERT_TRUE(elsewhere.ok());
  ASSERT_TRUE(WriteHolderFolder(authority_folder() + "/tracker", *elsewhere).ok());
  Serve();
  ExpectNoHandshake(*ChannelOf(ann), "Hostname Verification Check failed");
  ExpectNoHandshake(*ChannelOf(ann, "localhost"), "Hostname Verification Check failed");
}

// An agent has a key of our authority; it must not do for a server's, whatever its name.
TEST_F(MutualTls, AgentCannotPoseAsTheTracker) {
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const std::string rogue = Enroll(FarmRole::kAgent, "localhost");
  const auto told = ServerCredentialsFrom(rogue, "127.0.0.1:0", nullptr);
  EXPECT_NE(told.status().message().find("is for the agent localhost"), std::string::npos);
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs.push_back(
      {*ReadWholeFile(rogue + "/key.pem"), *ReadWholeFile(rogue + "/cert.pem")});
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
  builder.RegisterService(&farm_);
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr);
  ExpectNoHandshake(*ChannelOf(ann), "certificate verify failed");
  ExpectNoHandshake(*ChannelOf(ann, "localhost"), "certificate verify failed");
}

TEST_F(MutualTls, PlaintextAndTlsDoNotMix) {
  Serve();
  ExpectNoHandshake(*grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  Serve("");
  ExpectNoHandshake(*ChannelOf(ann), "wrong version number");
}

TEST_F(MutualTls, WithoutCertificatesOnTheLoopback) {
  Serve("");
  EXPECT_TRUE(Open(*ChannelOf("")).ok());
  EXPECT_EQ(farm_.last().role, FarmRole::kAdmin);
  EXPECT_EQ(farm_.last().name, "");
  EXPECT_FALSE(farm_.last().has_certificate());
}

// What gRPC 1.51 has no setting for: nothing older than TLS 1.3 is spoken.
TEST_F(MutualTls, NoTls12) {
  Serve();
  const std::string ann = Enroll(FarmRole::kClient, "ann");
  const std::string certificate = ann + "/cert.pem", key = ann + "/key.pem";
  const auto handshake = [&](int version) {
    const std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> context(
        SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(context.get(), version);
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM), 1);
    const BioHandle bio(BIO_new_ssl_connect(context.get()));
    SSL* ssl = nullptr;
    BIO_get_ssl(bio.get(), &ssl);
    constexpr unsigned char h2[] = {2, 'h', '2'};
    SSL_set_alpn_protos(ssl, h2, sizeof h2);
    BIO_set_conn_hostname(bio.get(), address().c_str());
    return BIO_do_handshake(bio.get()) == 1;
  };
  EXPECT_TRUE(handshake(TLS1_3_VERSION));
  EXPECT_FALSE(handshake(TLS1_2_VERSION));
}

}  // namespace
}  // namespace halyard
