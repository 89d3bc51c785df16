#include "tests/integration/farm_security/enrolment.h"

#include <grpcpp/security/tls_credentials_options.h>

#include <stdexcept>

#include "absl/time/clock.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/security/farm_folder.h"
#include "rpc_farm/security/holder_folder.h"
#include "rpc_farm/security/server_setup.h"

namespace halyard {

Validity ValidFor(absl::Duration time) {
  const absl::Time now = absl::Now();
  return {now - kClockAllowance, now + time};
}

std::string EnrollInto(const std::string& folder, const std::string& authority,
                       const FarmIdentity& identity, const Validity& validity) {
  const auto good = [](const absl::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  };
  auto opened = CertificateAuthority::Open(authority);
  good(opened.status());
  const auto enrolment = opened->Issue(identity, {"127.0.0.1", "localhost"}, validity, absl::Now());
  good(enrolment.status());
  good(WriteHolderFolder(folder, *enrolment));
  return folder;
}

std::shared_ptr<grpc::Channel> BlindChannel(const std::string& folder, const std::string& address) {
  namespace tls = grpc::experimental;
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      folder + "/" + kKeyFile, folder + "/" + kCertificateFile, folder + "/" + kAuthorityFile, 1));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  auto arguments = FarmChannelArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, tls::TlsCredentials(options), arguments);
}

}  // namespace halyard
