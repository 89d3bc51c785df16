#include "rpc_farm/security/holder_folder.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <filesystem>

#include "fmt/format.h"
#include "rpc_farm/security/farm_folder.h"

namespace halyard {

namespace fs = std::filesystem;
namespace {

std::string PathIn(const std::string& folder, const char* file) {
  return (fs::path(folder) / file).string();
}

std::string Day(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M UTC", time, absl::UTCTimeZone());
}

bool IsThere(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::Status Wrong(const std::string& path, const std::string& what) {
  return absl::FailedPreconditionError(fmt::format("'{}' {}", path, what));
}

// Keys that others can read are refused, as ssh does: they are no secret any more.
absl::Status CheckSecret(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0 || (found.st_mode & 077) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(
      fmt::format("'{}' can be read by others (mode {:04o}); chmod 600 it", path,
                  static_cast<unsigned>(found.st_mode & 07777)));
}

}  // namespace

absl::Status CheckHolderFolder(const std::string& folder, const FarmIdentity& identity,
                               const std::string& authority_pem) {
  const std::string authority_path = PathIn(folder, kAuthorityFile);
  const std::string certificate_path = PathIn(folder, kCertificateFile);
  if (IsThere(PathIn(folder, kAuthorityKeyFile))) {
    return Wrong(folder, "is an authority's own folder; give another -o");
  }
  if (IsThere(authority_path)) {
    const auto pem = ReadWholeFile(authority_path);
    if (!pem.ok()) return pem.status();
    if (*pem != authority_pem) return Wrong(folder, "is of another farm; give another -o");
  }
  if (IsThere(certificate_path)) {
    const auto pem = ReadWholeFile(certificate_path);
    if (!pem.ok()) return pem.status();
    const auto facts = ReadCertificate(*pem);
    if (!facts.ok() || facts->identity != identity) {
      return Wrong(folder, fmt::format("holds the certificate of {}; give another -o",
                                       facts.ok() && facts->identity
                                           ? facts->identity->name + " (" +
                                                 FarmRoleName(facts->identity->role) + ")"
                                           : "somebody else"));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteHolderFolder(const std::string& folder, const Enrolment& enrolment) {
  if (auto s = MakePrivateFolder(folder); !s.ok()) return s;
  const auto write = [&](const char* file, const std::string& pem, mode_t mode) {
    return WriteFileAtomically(PathIn(folder, file), pem, mode);
  };
  if (auto s = write(kAuthorityFile, enrolment.authority_pem, 0644); !s.ok()) return s;
  if (auto s = write(kKeyFile, enrolment.key_pem, 0600); !s.ok()) return s;
  return write(kCertificateFile, enrolment.certificate_pem, 0644);
}

absl::StatusOr<Holder> ReadHolderFolder(const std::string& folder, absl::Time now) {
  const std::string authority_path = PathIn(folder, kAuthorityFile);
  const std::string path = PathIn(folder, kCertificateFile);
  const std::string key_path = PathIn(folder, kKeyFile);
  for (const std::string& needed : {authority_path, path, key_path}) {
    if (IsThere(needed)) continue;
    return absl::NotFoundError(
        fmt::format("no '{}'; give a folder that tune farm enroll made", needed));
  }
  if (auto s = CheckSecret(key_path); !s.ok()) return s;
  const auto authority_pem = ReadWholeFile(authority_path);
  if (!authority_pem.ok()) return authority_pem.status();
  const auto pem = ReadWholeFile(path);
  if (!pem.ok()) return pem.status();
  const auto key_pem = ReadWholeFile(key_path);
  if (!key_pem.ok()) return key_pem.status();
  const auto authority = ParseCertificate(*authority_pem);
  if (!authority.ok()) return Wrong(authority_path, "holds no certificate; copy it again");
  const auto certificate = ParseCertificate(*pem);
  if (!certificate.ok()) return Wrong(path, "holds no certificate; copy it again");
  const auto key = ParseKey(*key_pem);
  if (!key.ok() || X509_check_private_key(certificate->get(), key->get()) != 1) {
    ERR_clear_error();
    return Wrong(key_path, fmt::format("is not the key of {}; copy both again", kCertificateFile));
  }
  if (X509_verify(certificate->get(), X509_get0_pubkey(authority->get())) != 1) {
    ERR_clear_error();
    return Wrong(path, fmt::format("is not of the farm of '{}'; enroll again", authority_path));
  }
  const CertificateFacts facts = FactsOf(certificate->get());
  if (!facts.identity) return Wrong(path, "names no role of a farm; enroll again");
  if (now >= facts.not_after) {
    return Wrong(path, fmt::format("expired on {}; enroll {} again", Day(facts.not_after),
                                   facts.identity->name));
  }
  if (now < facts.not_before) {
    return Wrong(path, fmt::format("is valid only from {} on; is this machine's clock right?",
                                   Day(facts.not_before)));
  }
  return Holder{*facts.identity, facts.serial, facts.not_before, facts.not_after,
                *authority_pem,  *pem,         *key_pem};
}

}  // namespace halyard
