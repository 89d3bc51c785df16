// Artifacts on the agent's disk, under their digests: shared by its boards and kept between its
// lives, up to a number of bytes; those not used for longest go first.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"

namespace halyard {

// Thread-safe. Outlives what Get() gave.
class ArtifactCache {
 public:
  // Gives the artifact's bytes. Unavailable and others: passed on.
  using Fetch = std::function<absl::StatusOr<std::string>()>;
  // Keeps an artifact from being removed.
  using Pin = std::shared_ptr<const std::string>;  // its path

  // Takes the folder, which is made if need be, for this process alone. FailedPrecondition: another
  // has it, or it cannot be written to.
  static absl::StatusOr<std::unique_ptr<ArtifactCache>> Open(const std::string& folder,
                                                             int64_t most_bytes);
  ~ArtifactCache();
  ArtifactCache(const ArtifactCache&) = delete;
  ArtifactCache& operator=(const ArtifactCache&) = delete;

  // The artifact of that SHA-256 (64 hexadecimal digits) and size; fetched if it is not here, by
  // one caller while others that want the same wait. What is here is read and checked each time: a
  // disk that forgets must not become a wrong time. May hold more than its bytes while all are in
  // use. DataLoss: what came has another size or digest. Otherwise errors of `fetch`.
  absl::StatusOr<Pin> Get(const std::string& digest, uint64_t size, const Fetch& fetch);

  int64_t bytes() const;

 private:
  struct Entry {
    int64_t bytes = 0;
    uint64_t used = 0;  // larger is later
    int users = 0;
    bool there = false;  // else it is being fetched
  };

  ArtifactCache(std::string folder, int64_t most_bytes, int lock)
      : folder_(std::move(folder)), most_bytes_(most_bytes), lock_(lock) {}
  std::string PathOf(const std::string& digest) const { return folder_ + "/" + digest; }
  void FindWhatIsThere();
  // One attempt, by the one caller who fetches it.
  absl::Status Bring(const std::string& digest, uint64_t size, const Fetch& fetch);
  Pin PinOf(const std::string& digest);
  void MakeRoom();

  const std::string folder_;
  const int64_t most_bytes_;
  const int lock_;
  mutable std::mutex mutex_;
  std::condition_variable fetched_;
  std::map<std::string, Entry> entries_;
  int64_t bytes_ = 0;
  uint64_t clock_ = 0;
};

}  // namespace halyard
