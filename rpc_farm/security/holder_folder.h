// The folder with which a client, an agent, an admin or the tracker shows who it is: to be copied
// to where that runs.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc_farm/security/certificate.h"

namespace halyard {

// What an authority gives to a holder.
struct Enrolment {
  std::string authority_pem;
  std::string certificate_pem, key_pem;
  std::string serial;
  absl::Time not_after;
};

// FailedPrecondition: the folder holds another farm's authority or somebody else's certificate,
// which WriteHolderFolder would replace. A folder that is empty or missing is fine.
absl::Status CheckHolderFolder(const std::string& folder, const FarmIdentity& identity,
                               const std::string& authority_pem);

// Makes the folder (mode 0700) where it is missing, and each file anew.
absl::Status WriteHolderFolder(const std::string& folder, const Enrolment& enrolment);

struct Holder {
  FarmIdentity identity;
  std::string serial;
  absl::Time not_before, not_after;
  std::string authority_pem, certificate_pem, key_pem;  // the files
};

// What the folder holds, after a look at all that could be wrong with it here, so that a person
// reads why and not that a handshake failed. NotFound: no such folder or file. FailedPrecondition:
// expired, not valid yet, of another authority, without its key, of no role. PermissionDenied:
// others may read the key.
absl::StatusOr<Holder> ReadHolderFolder(const std::string& folder, absl::Time now);

}  // namespace halyard
