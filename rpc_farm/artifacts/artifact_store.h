// Artifacts in a folder, by digest: written to a temporary file, checked, renamed. What no request
// wants goes when room is wanted, the longest unused first.
#pragma once

#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "rpc_farm/sha256.h"

namespace halyard {

inline constexpr size_t kArtifactChunkBytes = size_t{64} << 10;

// Thread-safe. Digests are 64 lower-case hexadecimal digits.
class ArtifactStore {
 public:
  // What is kept: kAlways, also when the machine loses its power; kUsually, for what can be had
  // again and is checked when it is used.
  enum class Keep { kAlways, kUsually };

  // Takes over what `folder` has; makes it where there is none. `capacity`: bytes of all artifacts
  // together, those that are coming in among them, which pinned and coming ones may exceed.
  static absl::StatusOr<std::unique_ptr<ArtifactStore>> Open(const std::string& folder,
                                                             int64_t capacity,
                                                             Keep keep = Keep::kAlways);

  // An artifact that is coming in. Not thread-safe. Destroyed before Finish, it leaves nothing.
  class Upload {
   public:
    ~Upload();
    // InvalidArgument: the chunk or the whole is larger than was said; nothing is written then.
    absl::Status Append(std::string_view chunk);
    // DataLoss: fewer bytes came than were said, or others.
    absl::Status Finish();

   private:
    friend class ArtifactStore;
    Upload(ArtifactStore& store, std::string digest, int64_t size);
    ArtifactStore& store_;
    std::string digest_;
    int64_t size_;
    int64_t received_ = 0;
    int64_t coming_ = 0;  // of store_.coming_
    std::string path_;
    std::FILE* file_ = nullptr;
    Sha256Stream sha_;
  };
  // Room for all of it is made at once, and kept until the upload has ended. InvalidArgument: no
  // digest. ResourceExhausted: larger than an artifact may be, or no room.
  absl::StatusOr<std::unique_ptr<Upload>> Begin(const std::string& digest, uint64_t size);

  // False: it is not here. A pinned artifact stays until it was unpinned as often.
  bool Pin(const std::string& digest);
  void Unpin(const std::string& digest);

  // What is here under the digest is damaged. False: it is pinned, and stays.
  bool Drop(const std::string& digest);

  bool Has(const std::string& digest);
  // Where to read it; NotFound. The file may be removed at any time, but stays readable once open.
  absl::StatusOr<std::string> PathOf(const std::string& digest);
  int64_t bytes() const;

 private:
  struct Entry {
    int64_t size = 0;
    int pins = 0;
    std::list<std::string>::iterator used;  // in by_use_
  };
  ArtifactStore(std::string folder, int64_t capacity, Keep keep)
      : folder_(std::move(folder)), capacity_(capacity), keep_(keep) {}
  void Add(const std::string& digest, int64_t size);  // with mutex_ held
  void Evict();                                       // with mutex_ held

  const std::string folder_;
  const int64_t capacity_;
  const Keep keep_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::list<std::string> by_use_;  // the longest unused first
  int64_t bytes_ = 0;              // of entries_
  int64_t coming_ = 0;             // that uploads which have not ended were said to have
  uint64_t uploads_ = 0;
};

}  // namespace halyard
