// The authority's revocation list as a running tracker knows it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc_farm/security/certificate.h"

namespace halyard {

using WallClock = std::function<absl::Time()>;

// Thread-safe. Looks at the file when it is asked, a second apart at most: somebody revoked is shut
// out within a second of the list's change.
//
// A list that is gone, damaged, of another authority or older than the last one changes nothing:
// whoever was shut out stays out. It is counted, and read again when the file changes.
class RevocationWatch {
 public:
  static constexpr absl::Duration kInterval = absl::Seconds(1);

  // Reads the list once. NotFound, DataLoss: without a good list nobody may start.
  static absl::StatusOr<std::shared_ptr<RevocationWatch>> Open(const std::string& list_path,
                                                               const std::string& authority_pem,
                                                               WallClock clock);
  RevocationWatch(const RevocationWatch&) = delete;
  RevocationWatch& operator=(const RevocationWatch&) = delete;

  bool IsRevoked(const std::string& serial);
  // Good lists taken since the first.
  uint64_t changes() const;
  // Lists refused since the start, and why the last was; "" where it was good.
  uint64_t refused() const;
  std::string trouble() const;

 private:
  // Which file, and which state of it: an atomic replacement changes the inode.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    int64_t modified_ns = 0;
    bool operator==(const Stamp&) const = default;
  };

  RevocationWatch(std::string path, CertificateHandle authority, WallClock clock)
      : path_(std::move(path)), authority_(std::move(authority)), clock_(std::move(clock)) {}
  Stamp StampOfFile() const;
  absl::Status Read();
  void ReadWhenDue();

  const std::string path_;
  const CertificateHandle authority_;
  const WallClock clock_;
  mutable std::mutex mutex_;
  Stamp stamp_;
  absl::Time looked_ = absl::InfinitePast();
  Revocations revocations_;
  uint64_t changes_ = 0, refused_ = 0;
  std::string trouble_;
};

}  // namespace halyard
