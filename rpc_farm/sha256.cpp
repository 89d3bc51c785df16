#include "rpc_farm/sha256.h"

#include <openssl/evp.h>

#include "fmt/format.h"

namespace halyard {

std::string Sha256Hex(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < length; i++) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

}  // namespace halyard
