// Certificates for tests, good ones and bad, and channels that do not look at what they are.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "rpc_farm/security/certificate.h"
#include "rpc_farm/security/farm_identity.h"

namespace halyard {

// From an hour ago (a board's clock may be slow) until then.
Validity ValidFor(absl::Duration time);

// Of the authority in that folder, into `folder`, which is returned. Throws std::runtime_error.
std::string EnrollInto(const std::string& folder, const std::string& authority,
                       const FarmIdentity& identity, const Validity& validity);

// By what is in a holder's folder, whatever is wrong with it. A connection of its own.
std::shared_ptr<grpc::Channel> BlindChannel(const std::string& folder, const std::string& address);

}  // namespace halyard
