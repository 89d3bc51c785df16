#include "rpc_farm/security/certificate_authority.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "fmt/format.h"

namespace halyard {

namespace fs = std::filesystem;
namespace {

constexpr char kIssuedFolder[] = "issued";
constexpr absl::Duration kLockPatience = absl::Seconds(10);

// Removed again unless it became the authority's folder.
class Staging {
 public:
  explicit Staging(const std::string& dir) : path_(dir + ".new-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Staging() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const std::string& path() const { return path_; }
  bool Become(const std::string& dir) {
    if (std::rename(path_.c_str(), dir.c_str()) != 0) return false;
    path_.clear();
    return true;
  }

 private:
  std::string path_;
};

absl::Status WriteNewAuthority(const std::string& dir, absl::Time now) {
  auto key = NewKey();
  if (!key.ok()) return key.status();
  const auto certificate =
      NewAuthority(key->get(), {now - kClockAllowance, now + kAuthorityLifetime});
  if (!certificate.ok()) return certificate.status();
  const auto key_pem = ToPem(key->get());
  if (!key_pem.ok()) return key_pem.status();
  const auto pem = ToPem(certificate->get());
  if (!pem.ok()) return pem.status();
  const auto revocations = RevocationsToPem(certificate->get(), key->get(), {1, {}}, now);
  if (!revocations.ok()) return revocations.status();
  if (auto s = WriteFileAtomically(dir + "/" + kAuthorityKeyFile, *key_pem, 0600); !s.ok())
    return s;
  if (auto s = WriteFileAtomically(dir + "/" + kRevocationsFile, *revocations, 0644); !s.ok())
    return s;
  if (auto s = MakePrivateFolder(dir + "/" + kIssuedFolder); !s.ok()) return s;
  return WriteFileAtomically(dir + "/" + kAuthorityFile, *pem, 0644);
}

// In an authority's folder, to a holder's folder below it.
absl::Status Enrol(CertificateAuthority& authority, const FarmIdentity& identity,
                   const std::vector<std::string>& hosts, const char* folder, absl::Time now) {
  const auto enrolment =
      authority.Issue(identity, hosts, {now - kClockAllowance, authority.not_after()}, now);
  if (!enrolment.ok()) return enrolment.status();
  return WriteHolderFolder(authority.dir() + "/" + folder, *enrolment);
}

// issued/000001.pem, ...: in the order they were made.
absl::StatusOr<std::vector<fs::path>> IssuedFiles(const std::string& dir) {
  std::vector<fs::path> files;
  std::error_code error;
  const fs::path folder = fs::path(dir) / kIssuedFolder;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".pem") files.push_back(at->path());
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), fmt::format("cannot list '{}'", folder.string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status SomethingThere(const std::string& dir) {
  std::error_code error;
  if (fs::exists(fs::path(dir) / kAuthorityFile, error)) {
    return absl::AlreadyExistsError(
        fmt::format("'{}' has a farm's certificates already; nothing was changed. Enroll with it, "
                    "or give another --dir",
                    dir));
  }
  return absl::AlreadyExistsError(
      fmt::format("'{}' is there and not empty; give a --dir that is not", dir));
}

// What a rename can replace: through links, without a slash at its end.
std::string Renamable(const std::string& dir) {
  std::error_code error;
  fs::path path = fs::weakly_canonical(fs::absolute(dir, error), error);
  if (path.filename().empty()) path = path.parent_path();
  return error ? dir : path.string();
}

}  // namespace

absl::Status CertificateAuthority::Create(const std::string& given,
                                          const std::vector<std::string>& hosts,
                                          const std::string& admin, absl::Time now) {
  const std::string dir = Renamable(given);
  std::error_code error;
  const bool there = fs::exists(dir, error);
  if (there && !(fs::is_directory(dir, error) && fs::is_empty(dir, error))) {
    return SomethingThere(given);
  }
  fs::create_directories(fs::path(dir).parent_path(), error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), fmt::format("cannot make the folder '{}'", given));
  }
  Staging staging(dir);
  if (staging.path().empty()) {
    return absl::ErrnoToStatus(errno, fmt::format("cannot make the folder '{}'", given));
  }
  if (auto s = WriteNewAuthority(staging.path(), now); !s.ok()) return s;
  {
    auto authority = Open(staging.path());
    if (!authority.ok()) return authority.status();
    // The tracker's name is nobody's: it is known by its hosts.
    if (auto s = Enrol(*authority, {FarmRole::kTracker, "tracker"}, hosts, kTrackerFolder, now);
        !s.ok()) {
      return s;
    }
    if (auto s = Enrol(*authority, {FarmRole::kAdmin, admin}, {}, kAdminFolder, now); !s.ok()) {
      return s;
    }
  }
  // A link: one list, and a copy of the folder takes the list itself along.
  fs::create_symlink(fs::path("..") / kRevocationsFile,
                     fs::path(staging.path()) / kTrackerFolder / kRevocationsFile, error);
  if (error) return absl::ErrnoToStatus(error.value(), "cannot link " + staging.path());
  if (staging.Become(dir)) return absl::OkStatus();
  // Another `init` may have been faster.
  return errno == ENOTEMPTY || errno == EEXIST
             ? SomethingThere(given)
             : absl::ErrnoToStatus(errno, fmt::format("cannot make the folder '{}'", given));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Open(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(fs::path(dir) / kAuthorityFile, error)) {
    return absl::NotFoundError(
        fmt::format("no farm's certificates in '{}'; tune farm init makes them, --dir names "
                    "another folder",
                    dir));
  }
  auto lock = FolderLock::Take(dir, kLockPatience);
  if (!lock.ok()) return lock.status();
  const auto pem = ReadWholeFile(dir + "/" + kAuthorityFile);
  if (!pem.ok()) return pem.status();
  const auto key_pem = ReadWholeFile(dir + "/" + kAuthorityKeyFile);
  if (!key_pem.ok()) return key_pem.status();
  auto certificate = ParseCertificate(*pem);
  auto key = ParseKey(*key_pem);
  if (!certificate.ok() || !key.ok() ||
      X509_check_private_key(certificate->get(), key->get()) != 1) {
    return absl::DataLossError(
        fmt::format("'{}/{}' and {} are damaged or do not belong together; restore them", dir,
                    kAuthorityFile, kAuthorityKeyFile));
  }
  return CertificateAuthority(dir, std::move(*lock), std::move(*certificate), std::move(*key));
}

absl::StatusOr<Enrolment> CertificateAuthority::Issue(const FarmIdentity& identity,
                                                      const std::vector<std::string>& hosts,
                                                      const Validity& validity, absl::Time now) {
  if (now >= not_after()) {
    return absl::FailedPreconditionError(
        fmt::format("the authority in '{}' expired on {}; make another with tune farm init --dir",
                    dir_, absl::FormatTime("%Y-%m-%d", not_after(), absl::UTCTimeZone())));
  }
  if (identity.role == FarmRole::kTracker && hosts.empty()) {
    return absl::InvalidArgumentError("a tracker's certificate needs a host; give --name HOST");
  }
  const auto key = NewKey();
  if (!key.ok()) return key.status();
  const Validity within{validity.not_before, std::min(validity.not_after, not_after())};
  const auto certificate =
      NewLeaf(certificate_.get(), key_.get(), key->get(), identity, hosts, within);
  if (!certificate.ok()) return certificate.status();
  const auto key_pem = ToPem(key->get());
  if (!key_pem.ok()) return key_pem.status();
  const auto pem = ToPem(certificate->get());
  if (!pem.ok()) return pem.status();
  const auto authority_pem = ToPem(certificate_.get());
  if (!authority_pem.ok()) return authority_pem.status();
  const auto files = IssuedFiles(dir_);
  if (!files.ok()) return files.status();
  // Remembered before anybody has it: what is not known here cannot be revoked by its name.
  const int number = files->empty() ? 1 : std::atoi(files->back().stem().c_str()) + 1;
  if (auto s = WriteFileAtomically(fmt::format("{}/{}/{:06}.pem", dir_, kIssuedFolder, number),
                                   *pem, 0644);
      !s.ok()) {
    return s;
  }
  const CertificateFacts facts = FactsOf(certificate->get());
  return Enrolment{*authority_pem, *pem, *key_pem, facts.serial, facts.not_after};
}

absl::StatusOr<Revocations> CertificateAuthority::Revoked() const {
  const std::string path = dir_ + "/" + kRevocationsFile;
  const auto pem = ReadWholeFile(path);
  if (!pem.ok()) return pem.status();
  auto revocations = ReadRevocations(*pem, certificate_.get());
  if (revocations.ok()) return revocations;
  // Started anew it would let in everybody who was ever shut out.
  return absl::DataLossError(
      fmt::format("'{}' {}; restore it", path, std::string(revocations.status().message())));
}

absl::StatusOr<std::vector<IssuedCertificate>> CertificateAuthority::Issued() const {
  const auto files = IssuedFiles(dir_);
  if (!files.ok()) return files.status();
  const auto revoked = Revoked();
  if (!revoked.ok()) return revoked.status();
  std::vector<IssuedCertificate> issued;
  for (const fs::path& file : *files) {
    const auto pem = ReadWholeFile(file.string());
    if (!pem.ok()) return pem.status();
    const auto facts = ReadCertificate(*pem);
    if (!facts.ok() || !facts->identity) {
      return absl::DataLossError(
          fmt::format("'{}' is not a farm's certificate; restore it", file.string()));
    }
    issued.push_back({*facts->identity, facts->serial, facts->not_before, facts->not_after,
                      revoked->serials.count(facts->serial) > 0});
  }
  return issued;
}

absl::Status CertificateAuthority::Revoke(const std::vector<std::string>& serials, absl::Time now) {
  auto revocations = Revoked();
  if (!revocations.ok()) return revocations.status();
  for (const std::string& serial : serials) revocations->serials.emplace(serial, now);
  revocations->number++;
  const auto pem = RevocationsToPem(certificate_.get(), key_.get(), *revocations, now);
  if (!pem.ok()) return pem.status();
  return WriteFileAtomically(dir_ + "/" + kRevocationsFile, *pem, 0644);
}

}  // namespace halyard
