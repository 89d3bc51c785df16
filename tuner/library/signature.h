// Ed25519 signatures (RFC 8032) of a library's manifest, which names the digest of every file of
// it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halyard {

struct SigningKeyFiles {
  std::string secret, published;  // paths of PEM files (PKCS #8, SubjectPublicKeyInfo; RFC 8410)
};

// Makes a key pair in `folder`, which is made where there is none: signing_key.pem, for its owner's
// eyes, and signing_key.pub.pem, for everybody's. AlreadyExists: there is one.
absl::StatusOr<SigningKeyFiles> MakeSigningKey(const std::string& folder);

// The signature of `text` in base64, 88 characters. Errors name the file: NotFound,
// InvalidArgument: it has no Ed25519 key without a password.
absl::StatusOr<std::string> SignatureOf(std::string_view text, const std::string& secret_file);

// DataLoss: `signature` is not one of `text` by the key in `published_file`; the other errors are
// those of SignatureOf.
absl::Status CheckSignature(std::string_view text, std::string_view signature,
                            const std::string& published_file);

}  // namespace halyard
