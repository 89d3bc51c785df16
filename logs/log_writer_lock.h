// One writer a log, across processes and within one.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace halyard {

// Held while the object lives; the kernel gives it back when the process dies, however it dies.
//
// It is a flock(2) on "<file>.lock" and not on the log itself: closing any descriptor of a database
// drops all of SQLite's own locks on it in this process
// (https://sqlite.org/howtocorrupt.html, 2.2). The lock file holds the writer's process id, for
// messages only, and goes with the lock.
class LogWriterLock {
 public:
  // FailedPrecondition: held elsewhere, and by which process where that is known.
  // PermissionDenied, ResourceExhausted: the lock file cannot be made. Messages call the log
  // `name`.
  static absl::StatusOr<LogWriterLock> Acquire(const std::string& file, const std::string& name);

  LogWriterLock(LogWriterLock&& other) noexcept;
  LogWriterLock& operator=(LogWriterLock&&) = delete;
  ~LogWriterLock();

 private:
  LogWriterLock(int fd, std::string lock_file) : fd_(fd), lock_file_(std::move(lock_file)) {}

  int fd_;
  std::string lock_file_;
};

}  // namespace halyard
