#include "rpc_farm/sha256.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"

namespace halyard {

struct Sha256Stream::Context {
  EVP_MD_CTX* md = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(md); }
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
  EVP_DigestInit_ex(context_->md, EVP_sha256(), nullptr);
}

Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Add(std::string_view bytes) {
  EVP_DigestUpdate(context_->md, bytes.data(), bytes.size());
}

std::string Sha256Stream::Hex() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->md, digest, &length);
  return absl::BytesToHexString({reinterpret_cast<const char*>(digest), length});
}

std::string Sha256Hex(const std::string& bytes) {
  Sha256Stream stream;
  stream.Add(bytes);
  return stream.Hex();
}

}  // namespace halyard
