#include "logs/log_writer_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace halyard {
namespace {

std::string Holder(int fd) {
  char text[32] = {};
  if (pread(fd, text, sizeof text - 1, 0) <= 0) return "another process";
  const long pid = std::strtol(text, nullptr, 10);
  if (pid <= 0) return "another process";
  return pid == getpid() ? "this process" : fmt::format("process {}", pid);
}

absl::Status CannotLock(const std::string& name, const std::string& lock_file, int error) {
  const std::string message =
      fmt::format("log {} cannot be locked for writing: {}: {}", name, lock_file, strerror(error));
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::InternalError(message);
  }
}

// Between open and flock the former holder may have removed the file: a lock on that is worthless.
bool StillNamed(int fd, const std::string& lock_file) {
  struct stat held, named;
  return fstat(fd, &held) == 0 && stat(lock_file.c_str(), &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

}  // namespace

absl::StatusOr<LogWriterLock> LogWriterLock::Acquire(const std::string& file,
                                                     const std::string& name) {
  const std::string lock_file = file + ".lock";
  while (true) {
    // O_CLOEXEC: a compiler child that outlives this process must not keep the log locked.
    const int fd = open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return CannotLock(name, lock_file, errno);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const std::string holder = Holder(fd);
      close(fd);
      if (error == EINTR) continue;
      if (error != EWOULDBLOCK) return CannotLock(name, lock_file, error);
      return absl::FailedPreconditionError(fmt::format(
          "log {} is being written by {}; wait for it or name another --log", name, holder));
    }
    if (!StillNamed(fd, lock_file)) {
      close(fd);
      continue;
    }
    const std::string pid = fmt::format("{}\n", getpid());
    // Without the id, on a full disk, the lock holds all the same.
    const bool written = ftruncate(fd, 0) == 0 && pwrite(fd, pid.data(), pid.size(), 0) > 0;
    (void)written;
    return LogWriterLock(fd, lock_file);
  }
}

LogWriterLock::LogWriterLock(LogWriterLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), lock_file_(std::move(other.lock_file_)) {}

LogWriterLock::~LogWriterLock() {
  if (fd_ < 0) return;
  // Removed while held; the other way round would remove the next holder's file.
  unlink(lock_file_.c_str());
  // A forked child may share the descriptor; closing ours alone would leave the lock with it.
  flock(fd_, LOCK_UN);
  close(fd_);
}

}  // namespace halyard
