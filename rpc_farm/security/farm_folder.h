// The folders that certificates lie in, and how files get there.
//
// The authority's:   DIR/ca.pem ca_key.pem crl.pem issued/SERIAL.pem tracker/ admin/
// A holder's:        FOLDER/ca.pem cert.pem key.pem      (tracker/ has crl.pem too)
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace halyard {

inline constexpr char kAuthorityFile[] = "ca.pem";
inline constexpr char kAuthorityKeyFile[] = "ca_key.pem";
inline constexpr char kRevocationsFile[] = "crl.pem";
inline constexpr char kCertificateFile[] = "cert.pem";
inline constexpr char kKeyFile[] = "key.pem";
inline constexpr char kTrackerFolder[] = "tracker";
inline constexpr char kAdminFolder[] = "admin";

// $XDG_CONFIG_HOME/halyard/farm, else ~/.config/halyard/farm (XDG Base Directory Specification: a
// relative XDG_CONFIG_HOME does not count). NotFound where there is no HOME either.
absl::StatusOr<std::string> DefaultFarmFolder();

// NotFound, PermissionDenied, ...: names the file. InvalidArgument: larger than 1 MiB.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);

// All or nothing, and on the disk when it returns: a reader sees the old file or the new one.
absl::Status WriteFileAtomically(const std::string& path, const std::string& bytes, mode_t mode);

// Makes it with mode 0700 where it is not there. The parents that are missing too.
absl::Status MakePrivateFolder(const std::string& path);

// Held by one process at a time. The file stays: removing it would let two hold it.
class FolderLock {
 public:
  // Waits for `patience`. Unavailable: another process holds it.
  static absl::StatusOr<FolderLock> Take(const std::string& folder, absl::Duration patience);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace halyard
