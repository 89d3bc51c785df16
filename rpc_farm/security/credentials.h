// gRPC credentials of the tracker and of those who call it, from a holder's folder
// (holder_folder.h): TLS with certificates on both sides, or nothing at all and then on the
// loopback only.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/security/authorizer.h"
#include "rpc_farm/security/certificate_files.h"

namespace halyard {

// InvalidArgument unless `address` is HOST:PORT with a host of 127.0.0.0/8, [::1] or localhost.
absl::Status CheckLoopback(const std::string& address);

// For a server that listens on `address`. With a folder: clients must show a certificate of its
// authority, the files are read again within a second or two of a change, which running calls do
// not notice, and `authorizer` (REQUIRED then) looks at every call before its handler does. Without
// (""): no encryption, everybody on this machine is an admin; CheckLoopback must hold. Errors are
// those of ReadHolderFolder and CheckLoopback; FailedPrecondition: not a tracker's folder.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsFrom(
    const std::string& folder, const std::string& address, std::shared_ptr<Authorizer> authorizer,
    CertificateTrouble tell = nullptr);

// For a channel to `address`. With a folder: the server must show a tracker's certificate of the
// same authority for the host of `address`. Files are read again as above; new connections use
// them.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelCredentialsFrom(
    const std::string& folder, const std::string& address, CertificateTrouble tell = nullptr);

}  // namespace halyard
