#include "rpc_farm/security/credentials.h"

#include <arpa/inet.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <netinet/in.h>

#include <cstdlib>
#include <mutex>

#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "rpc_farm/security/certificate_files.h"

namespace halyard {
namespace {

namespace tls = grpc::experimental;

constexpr unsigned kRefreshSeconds = 1;  // gRPC's finest

// gRPC 1.51 can set no least version of TLS. The list below is of TLS 1.2's ciphers alone (those
// of 1.3 are not configured by it) and has only such as need an RSA key; the farm's keys are EC: of
// TLS 1.2 nothing is left that both ends could choose. gRPC reads the variable when it makes its
// first credentials; what an operator has set stays.
void AskForTls13() {
  static std::once_flag once;
  std::call_once(once, [] {
    setenv("GRPC_SSL_CIPHER_SUITES", "ECDHE-RSA-AES256-GCM-SHA384", /*overwrite=*/0);
  });
}

std::shared_ptr<tls::CertificateProviderInterface> ProviderOf(const CertificateFiles& files) {
  return std::make_shared<tls::FileWatcherCertificateProvider>(
      files.identity_path(), files.identity_path(), files.authority_path(), kRefreshSeconds);
}

// gRPC's credentials own no more of what made them than these two, which keep the files that it
// reads.

class ServerSide : public grpc::AuthMetadataProcessor {
 public:
  ServerSide(std::unique_ptr<CertificateFiles> files, std::shared_ptr<Authorizer> authorizer)
      : files_(std::move(files)), authorizer_(std::move(authorizer)) {}
  bool IsBlocking() const override { return authorizer_->IsBlocking(); }
  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override {
    return authorizer_->Process(metadata, context, consumed, response);
  }

 private:
  const std::unique_ptr<CertificateFiles> files_;
  const std::shared_ptr<Authorizer> authorizer_;
};

class ClientSide : public tls::ExternalCertificateVerifier {
 public:
  explicit ClientSide(std::unique_ptr<CertificateFiles> files) : files_(std::move(files)) {}
  bool Verify(tls::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)> callback, grpc::Status* status) override {
    return host_name_.Verify(request, std::move(callback), status);
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest* request) override {
    host_name_.Cancel(request);
  }

 private:
  const std::unique_ptr<CertificateFiles> files_;
  tls::HostNameCertificateVerifier host_name_;
};

}  // namespace

absl::Status CheckLoopback(const std::string& address) {
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  int port = 0;
  bool loopback = colon != std::string::npos &&
                  absl::SimpleAtoi(address.substr(colon + 1), &port) && port >= 0 && port <= 65535;
  in_addr v4{};
  in6_addr v6{};
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    loopback = loopback && inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
  } else if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    loopback = loopback && (ntohl(v4.s_addr) >> 24) == 127;
  } else {
    loopback = loopback && host == "localhost";
  }
  if (loopback) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not of this machine's loopback, and there are no certificates; give 127.0.0.1:PORT, "
      "[::1]:PORT or localhost:PORT, or certificates (tune farm init)",
      address));
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFrom(
    const std::string& folder, const std::string& address, std::shared_ptr<Authorizer> authorizer,
    CertificateTrouble tell) {
  if (folder.empty()) {
    if (auto s = CheckLoopback(address); !s.ok()) return s;
    return grpc::InsecureServerCredentials();
  }
  auto files = CertificateFiles::Open(folder, std::move(tell));
  if (!files.ok()) return files.status();
  const FarmIdentity& holder = (*files)->holder();
  if (holder.role != FarmRole::kTracker) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' is for the {} {}; a tracker needs the folder of a tracker", folder,
                    FarmRoleName(holder.role), holder.name));
  }
  if (authorizer == nullptr) {
    return absl::InternalError("a tracker with certificates and without an authorizer");
  }
  AskForTls13();
  tls::TlsServerCredentialsOptions options(ProviderOf(**files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  auto credentials = tls::TlsServerCredentials(options);
  if (credentials == nullptr) return absl::InternalError("gRPC makes no TLS credentials");
  credentials->SetAuthMetadataProcessor(
      std::make_shared<ServerSide>(std::move(*files), std::move(authorizer)));
  return credentials;
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsFrom(
    const std::string& folder, const std::string& address, CertificateTrouble tell) {
  if (folder.empty()) {
    if (auto s = CheckLoopback(address); !s.ok()) return s;
    return grpc::InsecureChannelCredentials();
  }
  auto files = CertificateFiles::Open(folder, std::move(tell));
  if (!files.ok()) return files.status();
  const FarmIdentity& holder = (*files)->holder();
  if (holder.role == FarmRole::kTracker) {
    return absl::FailedPreconditionError(fmt::format(
        "'{}' is a tracker's; give the folder of a client, an agent or an admin", folder));
  }
  AskForTls13();
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(ProviderOf(**files));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<ClientSide>(std::move(*files)));
  auto credentials = tls::TlsCredentials(options);
  if (credentials == nullptr) return absl::InternalError("gRPC makes no TLS credentials");
  return credentials;
}

}  // namespace halyard
