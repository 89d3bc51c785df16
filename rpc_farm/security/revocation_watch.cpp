#include "rpc_farm/security/revocation_watch.h"

#include <sys/stat.h>

#include "fmt/format.h"
#include "rpc_farm/security/farm_folder.h"

namespace halyard {

absl::StatusOr<std::shared_ptr<RevocationWatch>> RevocationWatch::Open(
    const std::string& list_path, const std::string& authority_pem, WallClock clock) {
  auto authority = ParseCertificate(authority_pem);
  if (!authority.ok()) return authority.status();
  std::shared_ptr<RevocationWatch> watch(
      new RevocationWatch(list_path, std::move(*authority), std::move(clock)));
  watch->looked_ = watch->clock_();
  watch->stamp_ = watch->StampOfFile();
  if (auto s = watch->Read(); !s.ok()) return s;
  return watch;
}

RevocationWatch::Stamp RevocationWatch::StampOfFile() const {
  struct stat found {};
  if (stat(path_.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino, found.st_size,
          static_cast<int64_t>(found.st_mtim.tv_sec) * 1'000'000'000 + found.st_mtim.tv_nsec};
}

absl::Status RevocationWatch::Read() {
  const auto pem = ReadWholeFile(path_);
  if (!pem.ok()) return pem.status();
  auto revocations = ReadRevocations(*pem, authority_.get());
  if (!revocations.ok()) {
    return absl::DataLossError(fmt::format("'{}' {}; copy it from the authority's folder again",
                                           path_, std::string(revocations.status().message())));
  }
  if (revocations->number < revocations_.number) {
    return absl::DataLossError(
        fmt::format("'{}' is list {}, older than the one in use, {}; copy the newest", path_,
                    revocations->number, revocations_.number));
  }
  revocations_ = std::move(*revocations);
  return absl::OkStatus();
}

void RevocationWatch::ReadWhenDue() {
  const absl::Time now = clock_();
  // A date that was set back must not stop the looking.
  if (now >= looked_ && now < looked_ + kInterval) return;
  looked_ = now;
  const Stamp stamp = StampOfFile();
  if (stamp == stamp_) return;
  stamp_ = stamp;
  const absl::Status read = Read();
  trouble_ = std::string(read.message());
  (read.ok() ? changes_ : refused_)++;
}

bool RevocationWatch::IsRevoked(const std::string& serial) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ReadWhenDue();
  return revocations_.serials.count(serial) > 0;
}

uint64_t RevocationWatch::changes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return changes_;
}

uint64_t RevocationWatch::refused() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return refused_;
}

std::string RevocationWatch::trouble() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return trouble_;
}

}  // namespace halyard
