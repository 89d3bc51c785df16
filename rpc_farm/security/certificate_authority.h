// The farm's own certificate authority, in a folder (farm_folder.h). It makes every certificate of
// the farm, remembers each, and takes them back.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc_farm/security/certificate.h"
#include "rpc_farm/security/farm_folder.h"
#include "rpc_farm/security/holder_folder.h"

namespace halyard {

// A certificate's first second lies an hour back: a board's clock may be somewhat slow.
inline constexpr absl::Duration kClockAllowance = absl::Hours(1);
inline constexpr absl::Duration kAuthorityLifetime = absl::Hours(24 * 3652);  // ten years

struct IssuedCertificate {
  FarmIdentity identity;
  std::string serial;
  absl::Time not_before, not_after;
  bool revoked = false;
};

// Not for several threads; several processes take turns by the folder's lock.
class CertificateAuthority {
 public:
  // Makes the folder, whole or not at all: authority, empty revocation list, the tracker's
  // certificate with `hosts` as its names, an admin's for `admin`, both for as long as the
  // authority. AlreadyExists: there is something in `dir`; nothing of it was touched.
  static absl::Status Create(const std::string& dir, const std::vector<std::string>& hosts,
                             const std::string& admin, absl::Time now);

  // NotFound: no authority here. Unavailable: another process works in it.
  static absl::StatusOr<CertificateAuthority> Open(const std::string& dir);

  // Ends no later than the authority. FailedPrecondition: that has expired already.
  // InvalidArgument: a bad name or host, or a tracker without hosts.
  absl::StatusOr<Enrolment> Issue(const FarmIdentity& identity,
                                  const std::vector<std::string>& hosts, const Validity& validity,
                                  absl::Time now);

  // In the order they were made.
  absl::StatusOr<std::vector<IssuedCertificate>> Issued() const;

  // The serials need not be known here. Those revoked before stay as they are.
  absl::Status Revoke(const std::vector<std::string>& serials, absl::Time now);

  absl::Time not_after() const { return FactsOf(certificate_.get()).not_after; }
  const std::string& dir() const { return dir_; }

 private:
  CertificateAuthority(std::string dir, FolderLock lock, CertificateHandle certificate,
                       KeyHandle key)
      : dir_(std::move(dir)),
        lock_(std::move(lock)),
        certificate_(std::move(certificate)),
        key_(std::move(key)) {}
  absl::StatusOr<Revocations> Revoked() const;

  std::string dir_;
  FolderLock lock_;
  CertificateHandle certificate_;
  KeyHandle key_;
};

}  // namespace halyard
