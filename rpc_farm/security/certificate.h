// X.509 certificates and revocation lists as the farm uses them: EC P-256 keys, SHA-256 signatures,
// one authority, no intermediate ones (RFC 5280 sections 4 and 5).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc_farm/security/farm_identity.h"
#include "rpc_farm/security/openssl_handles.h"

namespace halyard {

struct CertificateFacts {
  std::string serial;  // lower-case hexadecimal
  absl::Time not_before, not_after;
  // Nothing where it has not exactly one URI, or that is none of the farm's.
  std::optional<FarmIdentity> identity;
  std::vector<std::string> hosts;  // DNS names and IP addresses, of a tracker
};

// The first certificate in `pem`, e.g. one that a TLS peer showed. InvalidArgument: there is none.
absl::StatusOr<CertificateHandle> ParseCertificate(std::string_view pem);
absl::StatusOr<KeyHandle> ParseKey(std::string_view pem);
CertificateFacts FactsOf(X509* certificate);
absl::StatusOr<CertificateFacts> ReadCertificate(std::string_view pem);

absl::StatusOr<KeyHandle> NewKey();
absl::StatusOr<std::string> ToPem(X509* certificate);
absl::StatusOr<std::string> ToPem(EVP_PKEY* key);  // PKCS #8, not encrypted

struct Validity {
  absl::Time not_before, not_after;
};

// A self-signed authority that may sign leaves and revocation lists, and no other authority.
absl::StatusOr<CertificateHandle> NewAuthority(EVP_PKEY* key, const Validity& validity);

// Signed by the authority. Of a tracker: for servers (EKU serverAuth) with `hosts`, each a DNS name
// or an IP address, as its names; of the other roles: for clients (EKU clientAuth), and no hosts.
absl::StatusOr<CertificateHandle> NewLeaf(X509* authority, EVP_PKEY* authority_key, EVP_PKEY* key,
                                          const FarmIdentity& identity,
                                          const std::vector<std::string>& hosts,
                                          const Validity& validity);

// InvalidArgument: neither a DNS name nor an IP address.
absl::Status CheckHost(const std::string& host);

struct Revocations {
  uint64_t number = 0;                        // of the list; each new one is higher
  std::map<std::string, absl::Time> serials;  // since when
};
absl::StatusOr<std::string> RevocationsToPem(X509* authority, EVP_PKEY* authority_key,
                                             const Revocations& revocations, absl::Time now);
// InvalidArgument: not a revocation list. PermissionDenied: not signed by this authority.
absl::StatusOr<Revocations> ReadRevocations(std::string_view pem, X509* authority);

}  // namespace halyard
