#include "tests/performance/farm_chaos/strangers.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

#include "absl/time/clock.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/security/certificate_files.h"
#include "rpc_farm/security/server_setup.h"
#include "rpc_farm/sha256.h"
#include "tests/integration/farm_network/upload_client.h"
#include "tests/integration/farm_security/enrolment.h"

namespace halyard {
namespace {

namespace v1 = farm::v1;

std::chrono::system_clock::time_point Soon() {
  return std::chrono::system_clock::now() + std::chrono::seconds(5);
}

grpc::Status OpenSession(v1::Farm::Stub& stub, std::string* session) {
  grpc::ClientContext context;
  context.set_deadline(Soon());
  v1::OpenSessionRequest request;
  request.set_protocol(kFarmProtocolVersion);
  v1::OpenSessionReply reply;
  const grpc::Status status = stub.OpenSession(&context, request, &reply);
  *session = reply.session();
  return status;
}

void CloseSession(v1::Farm::Stub& stub, const std::string& session) {
  grpc::ClientContext context;
  context.set_deadline(Soon());
  v1::CloseSessionRequest request;
  request.set_session(session);
  v1::CloseSessionReply reply;
  (void)stub.CloseSession(&context, request, &reply);
}

// A job that no agent takes for one.
grpc::Status Submit(v1::Farm::Stub& stub, const std::string& session) {
  grpc::ClientContext context;
  context.set_deadline(Soon());
  v1::SubmitRequest request;
  request.set_session(session);
  request.set_number(1);
  request.set_device("rpi4");
  request.set_time_limit_ms(60'000);
  request.mutable_job()->set_run_request("{}");
  v1::SubmitReply reply;
  return stub.Submit(&context, request, &reply);
}

// Of an upload that says `digest` and `size` and sends `bytes`.
Strangers::Act Upload(const std::string& bytes, const std::string& digest, uint64_t size) {
  return [=](v1::Farm::Stub& stub, const std::string& session) {
    OpenUpload upload(stub);
    if (upload.Name(session, digest, size)) upload.Send(bytes);
    return upload.Finish();
  };
}

}  // namespace

Strangers::Strangers(std::string address, const std::string& authority, uint64_t seed)
    : address_(std::move(address)), random_(seed) {
  const auto good = [](const absl::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  };
  const absl::Time now = absl::Now();
  const auto enroll = [&](const std::string& name, FarmRole role, const Validity& validity,
                          const std::string& by) {
    return EnrollInto(folder_.Path(name), by, {role, name}, validity);
  };
  const Validity a_day = ValidFor(absl::Hours(24));
  member_ = enroll("member", FarmRole::kClient, a_day, authority);
  other_member_ = enroll("other-member", FarmRole::kClient, a_day, authority);

  grpc::SslCredentialsOptions only_ca;
  only_ca.pem_root_certs = ReadWholeFile(authority + "/ca.pem").value();
  kinds_.push_back({"no certificate", [this, only_ca] {
                      std::string session;
                      return OpenSession(
                          *v1::Farm::NewStub(grpc::CreateCustomChannel(
                              address_, grpc::SslCredentials(only_ca), FarmChannelArguments())),
                          &session);
                    }});
  kinds_.push_back({"no TLS", [this] {
                      std::string session;
                      return OpenSession(*v1::Farm::NewStub(grpc::CreateChannel(
                                             address_, grpc::InsecureChannelCredentials())),
                                         &session);
                    }});
  AddStranger("expired", enroll("expired", FarmRole::kClient,
                                {now - absl::Hours(48), now - absl::Hours(24)}, authority));
  AddStranger("not valid yet", enroll("early", FarmRole::kClient,
                                      {now + absl::Hours(24), now + absl::Hours(48)}, authority));
  const std::string elsewhere = folder_.Path("elsewhere");
  good(CertificateAuthority::Create(elsewhere, {"127.0.0.1"}, "root", now));
  const std::string foreign = enroll("foreign", FarmRole::kClient, a_day, elsewhere);
  good(WriteFileAtomically(foreign + "/ca.pem", only_ca.pem_root_certs, 0644));
  AddStranger("foreign", foreign);
  AddStranger("an agent as client", enroll("shelf", FarmRole::kAgent, a_day, authority));
  AddStranger("the tracker as client", authority + "/tracker");
  const std::string revoked = enroll("revoked", FarmRole::kClient, a_day, authority);
  good(CertificateAuthority::Open(authority)->Revoke(
      {ReadHolderFolder(revoked, now).value().serial}, now));
  AddStranger("revoked", revoked);

  const std::string bytes(10'000, 'x'), digest = Sha256Hex(bytes);
  AddInsider("upload of another digest", Upload(bytes, Sha256Hex("another"), bytes.size()));
  AddInsider("upload of more than it says", Upload(bytes, digest, bytes.size() - 1));
  AddInsider("upload of less than it says", Upload(bytes, digest, bytes.size() + 1));
  AddInsider("upload said to be too large", Upload(bytes, digest, uint64_t{1} << 40));
  AddInsider("replayed request", [](v1::Farm::Stub& stub, const std::string& session) {
    const grpc::Status first = Submit(stub, session);
    return first.ok() ? Submit(stub, session) : first;
  });
  AddInsider("another's session", [this](v1::Farm::Stub&, const std::string& session) {
    return Submit(*v1::Farm::NewStub(BlindChannel(other_member_, address_)), session);
  });
  AddInsider("session that is closed", [](v1::Farm::Stub& stub, const std::string& session) {
    CloseSession(stub, session);
    return Submit(stub, session);
  });
}

void Strangers::AddStranger(const std::string& name, const std::string& folder) {
  kinds_.push_back({name, [this, folder] {
                      std::string session;
                      return OpenSession(*v1::Farm::NewStub(BlindChannel(folder, address_)),
                                         &session);
                    }});
}

void Strangers::AddInsider(const std::string& name, Act act) {
  kinds_.push_back({name, [this, act = std::move(act)] { return Inside(act); }});
}

grpc::Status Strangers::Inside(const Act& act) {
  const auto stub = v1::Farm::NewStub(BlindChannel(member_, address_));
  std::string session;
  const grpc::Status opened = OpenSession(*stub, &session);
  if (!opened.ok()) return opened;
  ++came_in_;
  const grpc::Status status = act(*stub, session);
  CloseSession(*stub, session);
  return status;
}

void Strangers::Try() {
  Kind& kind = kinds_[random_() % kinds_.size()];
  ++kind.tries;
  if (kind.act().ok()) ++kind.let_in;
}

int64_t Strangers::let_in() const {
  int64_t n = 0;
  for (const Kind& kind : kinds_) n += kind.let_in;
  return n;
}

int64_t Strangers::tries() const {
  int64_t n = 0;
  for (const Kind& kind : kinds_) n += kind.tries;
  return n;
}

std::string Strangers::Told() const {
  std::string text = fmt::format("{} tries of what none may, {} let through:", tries(), let_in());
  const char* separator = " ";
  for (const Kind& kind : kinds_) {
    text += fmt::format("{}{} {}", std::exchange(separator, ", "), kind.name, kind.tries);
    if (kind.let_in > 0) text += fmt::format(" ({} LET THROUGH)", kind.let_in);
  }
  return text + fmt::format("; members came in {} times", came_in_);
}

}  // namespace halyard
