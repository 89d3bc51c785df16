#include "rpc_farm/security/farm_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"

namespace halyard {

namespace fs = std::filesystem;
namespace {

constexpr size_t kMostBytes = 1 << 20;  // a certificate has 1 kB, a list of 10,000 revoked 400 kB

absl::Status FileError(int error, const std::string& what, const std::string& path) {
  return absl::ErrnoToStatus(error, fmt::format("{} '{}'", what, path));
}

bool WriteAll(int fd, const std::string& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

void SyncFolder(const fs::path& folder) {
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

}  // namespace

absl::StatusOr<std::string> DefaultFarmFolder() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && config[0] == '/') return std::string(config) + "/halyard/farm";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.config/halyard/farm";
  return absl::NotFoundError("neither HOME nor XDG_CONFIG_HOME is set; give --dir FOLDER");
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(errno, "cannot read", path);
  std::string bytes;
  char chunk[16384];
  ssize_t n = 0;
  while ((n = read(fd, chunk, sizeof chunk)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || bytes.size() > kMostBytes) break;
    bytes.append(chunk, static_cast<size_t>(n));
  }
  const int error = errno;
  close(fd);
  if (n < 0) return FileError(error, "cannot read", path);
  if (bytes.size() > kMostBytes) {
    return absl::InvalidArgumentError(fmt::format("'{}' is too large to be a PEM file", path));
  }
  return bytes;
}

absl::Status WriteFileAtomically(const std::string& path, const std::string& bytes, mode_t mode) {
  std::string fresh = path + ".XXXXXX";
  const int fd = mkostemp(fresh.data(), O_CLOEXEC);  // mode 0600: a key is never open to others
  if (fd < 0) return FileError(errno, "cannot write", path);
  const bool written = WriteAll(fd, bytes) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
  int error = errno;
  if (close(fd) == 0 && written && rename(fresh.c_str(), path.c_str()) == 0) {
    SyncFolder(fs::path(path).parent_path());
    return absl::OkStatus();
  }
  if (written) error = errno;
  unlink(fresh.c_str());
  return FileError(error, "cannot write", path);
}

absl::Status MakePrivateFolder(const std::string& path) {
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (!parent.empty()) fs::create_directories(parent, error);
  if (error) return FileError(error.value(), "cannot make", parent.string());
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  const int made = errno;
  if (made == EEXIST && fs::is_directory(path, error)) return absl::OkStatus();
  return FileError(made, "cannot make the folder", path);
}

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& folder, absl::Duration patience) {
  const std::string path = folder + "/.lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return FileError(errno, "cannot lock", path);
  FolderLock lock(fd);
  const absl::Time give_up = absl::Now() + patience;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return FileError(errno, "cannot lock", path);
    if (absl::Now() >= give_up) {
      return absl::UnavailableError(
          fmt::format("another process works in '{}'; wait for it to end", folder));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FolderLock::~FolderLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace halyard
