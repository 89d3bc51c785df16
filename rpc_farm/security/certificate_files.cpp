#include "rpc_farm/security/certificate_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "absl/time/clock.h"
#include "fmt/format.h"

namespace halyard {

CertificateFiles::MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

std::string CertificateFiles::MemoryFile::path() const {
  return fmt::format("/proc/self/fd/{}", fd_);
}

absl::Status CertificateFiles::MemoryFile::Set(const std::string& bytes, int generation) {
  const int fresh = memfd_create("halyard-certificate", MFD_CLOEXEC);
  if (fresh < 0) return absl::ErrnoToStatus(errno, "no memory for a certificate");
  // gRPC takes two reads for one state of the files where their times, in seconds, are the same:
  // each generation has another.
  const timespec times[2] = {{generation, 0}, {generation, 0}};
  const bool written =
      write(fresh, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      futimens(fresh, times) == 0;
  const int error = errno;
  // Under the descriptor's old number, and so its old path, there is now another file.
  if (written && fd_ < 0) {
    fd_ = fresh;
    return absl::OkStatus();
  }
  const bool replaced = written && dup3(fresh, fd_, O_CLOEXEC) == fd_;
  const int why = written ? errno : error;
  close(fresh);
  return replaced ? absl::OkStatus() : absl::ErrnoToStatus(why, "no memory for a certificate");
}

absl::StatusOr<std::unique_ptr<CertificateFiles>> CertificateFiles::Open(const std::string& folder,
                                                                         CertificateTrouble tell) {
  const auto holder = ReadHolderFolder(folder, absl::Now());
  if (!holder.ok()) return holder.status();
  std::unique_ptr<CertificateFiles> files(new CertificateFiles(folder, std::move(tell)));
  files->holder_ = holder->identity;
  if (auto s = files->Publish(*holder); !s.ok()) return s;
  files->thread_ = std::thread([f = files.get()] { f->Watch(); });
  return files;
}

CertificateFiles::~CertificateFiles() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string CertificateFiles::authority_path() const { return authority_.path(); }
std::string CertificateFiles::identity_path() const { return identity_.path(); }

absl::Status CertificateFiles::Publish(const Holder& holder) {
  const std::string identity = holder.key_pem + holder.certificate_pem;
  if (holder.authority_pem == published_authority_ && identity == published_identity_) {
    return absl::OkStatus();
  }
  generation_++;
  if (auto s = authority_.Set(holder.authority_pem, generation_); !s.ok()) return s;
  if (auto s = identity_.Set(identity, generation_); !s.ok()) return s;
  published_authority_ = holder.authority_pem;
  published_identity_ = identity;
  return absl::OkStatus();
}

absl::Status CertificateFiles::ReadAgain() {
  const auto holder = ReadHolderFolder(folder_, absl::Now());
  if (!holder.ok()) return holder.status();
  if (holder->identity != holder_) {
    return absl::FailedPreconditionError(
        fmt::format("'{}' holds the certificate of {} now, and did that of {}; start again to use "
                    "it",
                    folder_, ToUri(holder->identity), ToUri(holder_)));
  }
  return Publish(*holder);
}

void CertificateFiles::Watch() {
  absl::Status last, told;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!wake_.wait_for(lock, kInterval, [this] { return ending_; })) {
    absl::Status now = ReadAgain();
    if (now.ok()) told = now;
    // Files that are being copied are no good for a moment: told is what is wrong twice running.
    if (!now.ok() && now == last && now != told && tell_ != nullptr) {
      tell_(now);
      told = now;
    }
    last = std::move(now);
  }
}

}  // namespace halyard
