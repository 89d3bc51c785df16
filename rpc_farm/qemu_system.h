// A qemu-system-arm of our own, whose debugger is at the other end of a socket.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "targets/firmware_target.h"

namespace halyard {

// The process is gone when the object is, and when this process dies.
class QemuSystem {
 public:
  // Halted before its first instruction; counts cycles into the file `report` where the emulator
  // has costs of instructions. Unavailable: could not be started.
  static absl::StatusOr<std::unique_ptr<QemuSystem>> Start(const FirmwareEmulator& emulator,
                                                           const std::string& report);
  ~QemuSystem();
  QemuSystem(const QemuSystem&) = delete;
  QemuSystem& operator=(const QemuSystem&) = delete;

  // The debugger's socket, given over to the caller.
  int TakeSocket();
  pid_t pid() const { return pid_; }
  // The last line it wrote to stderr.
  std::string last_words() const;

 private:
  QemuSystem() = default;

  pid_t pid_ = 0;
  int socket_ = -1;
  int stderr_ = -1;
};

// Path of the plugin that counts cycles.
std::string CountThumbPlugin();

// "QEMU emulator version ...". FailedPrecondition: says what to install.
absl::StatusOr<std::string> QemuSystemVersion();

}  // namespace halyard
