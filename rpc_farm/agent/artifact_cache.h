// Artifacts on the agent's disk: shared by its boards and kept between its lives, up to a number of
// bytes. The store keeps them; this brings what it lacks, once, and checks what it has.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "rpc_farm/artifacts/artifact_store.h"

namespace halyard {

// Thread-safe. Outlives what Get() gave.
class ArtifactCache {
 public:
  // Gives the artifact's bytes.
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
  // use. DataLoss: what came, or is in use, has another size or digest. Otherwise errors of `fetch`
  // and of ArtifactStore.
  absl::StatusOr<Pin> Get(const std::string& digest, uint64_t size, const Fetch& fetch);

  int64_t bytes() const { return store_->bytes(); }

 private:
  ArtifactCache(std::unique_ptr<ArtifactStore> store, int lock)
      : store_(std::move(store)), lock_(lock) {}
  Pin PinOf(const std::string& digest);  // nullptr: it is not here
  absl::Status Bring(const std::string& digest, uint64_t size, const Fetch& fetch);

  const std::unique_ptr<ArtifactStore> store_;
  const int lock_;
  std::mutex mutex_;
  std::condition_variable fetched_;
  std::set<std::string> fetching_;  // digests
};

}  // namespace halyard
