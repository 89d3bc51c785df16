#include "tuner/library/signature.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "rpc_farm/security/openssl_handles.h"

namespace halyard {
namespace {

using DigestHandle = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;

constexpr size_t kSignatureBytes = 64;

// The bytes behind the text, with or without the end of its line. Only the one text that encodes
// them will do: base64 leaves bits of its last letter unused, and readers skip blanks, so that a
// changed file would pass for the signature.
bool DecodeSignature(std::string_view text, std::string& bytes) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return absl::Base64Unescape(std::string(text), &bytes) && bytes.size() == kSignatureBytes &&
         absl::Base64Escape(bytes) == text;
}

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::NotFoundError(
        fmt::format("the key file '{}' cannot be read: {}", path, std::strerror(errno)));
  }
  return std::string(std::istreambuf_iterator<char>(file), {});
}

absl::StatusOr<KeyHandle> Ed25519Key(KeyHandle key, const std::string& path, const char* wanted) {
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' has no {}; give one that `tune package key --out FOLDER` made", path, wanted));
  }
  return key;
}

absl::StatusOr<KeyHandle> ReadSecret(const std::string& path) {
  const auto pem = ReadKeyFile(path);
  if (!pem.ok()) return pem.status();
  const BioHandle bio = ReadingFrom(*pem);
  // An encrypted key must fail, not ask for its password at the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  return Ed25519Key(
      KeyHandle(bio == nullptr ? nullptr
                               : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr)),
      path, "secret Ed25519 key without a password");
}

absl::StatusOr<KeyHandle> ReadPublished(const std::string& path) {
  const auto pem = ReadKeyFile(path);
  if (!pem.ok()) return pem.status();
  const BioHandle bio = ReadingFrom(*pem);
  return Ed25519Key(
      KeyHandle(bio == nullptr ? nullptr
                               : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr)),
      path, "public Ed25519 key");
}

// A new file; an existing one is left alone.
absl::Status WriteNewFile(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0 && errno == EEXIST) {
    return absl::AlreadyExistsError(fmt::format(
        "there is a '{}'; give another folder: what is signed with an old key needs it", path));
  }
  const bool written = fd >= 0 &&
                       write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(fd) == 0;
  const std::string why = std::strerror(errno);
  if (fd >= 0) close(fd);
  if (written) return absl::OkStatus();
  return absl::PermissionDeniedError(fmt::format("cannot write '{}': {}", path, why));
}

}  // namespace

absl::StatusOr<SigningKeyFiles> MakeSigningKey(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::PermissionDeniedError(
        fmt::format("cannot make the folder '{}': {}", folder, error.message()));
  }
  const KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const BioHandle secret(BIO_new(BIO_s_secmem())), published(BIO_new(BIO_s_mem()));
  if (key == nullptr || secret == nullptr || published == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                    nullptr) != 1 ||
      PEM_write_bio_PUBKEY(published.get(), key.get()) != 1) {
    return OpensslError("a signing key cannot be made");
  }
  const SigningKeyFiles files{folder + "/signing_key.pem", folder + "/signing_key.pub.pem"};
  if (auto s = WriteNewFile(files.secret, WrittenTo(secret.get()), 0600); !s.ok()) return s;
  if (auto s = WriteNewFile(files.published, WrittenTo(published.get()), 0644); !s.ok()) return s;
  return files;
}

absl::StatusOr<std::string> SignatureOf(std::string_view text, const std::string& secret_file) {
  const auto key = ReadSecret(secret_file);
  if (!key.ok()) return key.status();
  const DigestHandle context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t bytes = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key->get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &bytes,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1) {
    return OpensslError("the manifest cannot be signed");
  }
  return absl::Base64Escape(signature);
}

absl::Status CheckSignature(std::string_view text, std::string_view signature,
                            const std::string& published_file) {
  const auto key = ReadPublished(published_file);
  if (!key.ok()) return key.status();
  std::string raw;
  const DigestHandle context(EVP_MD_CTX_new());
  if (context == nullptr ||
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key->get()) != 1) {
    return OpensslError("the signature cannot be checked");
  }
  const bool good =
      DecodeSignature(signature, raw) &&
      EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(raw.data()),
                       raw.size(), reinterpret_cast<const unsigned char*>(text.data()),
                       text.size()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "is not what the key in '{}' signed: it was changed since, or signed with another key",
      published_file));
}

}  // namespace halyard
