#include "rpc_farm/agent/artifact_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <utility>

#include "rpc_farm/read_file.h"
#include "rpc_farm/sha256.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

bool Holds(const std::string& path, uint64_t size, const std::string& digest) {
  std::error_code error;
  if (fs::file_size(path, error) != size || error) return false;
  return Sha256Hex(ReadFile(path)) == digest;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ArtifactCache>> ArtifactCache::Open(const std::string& folder,
                                                                   int64_t most_bytes) {
  std::error_code error;
  fs::create_directories(folder, error);
  fs::permissions(folder, fs::perms::owner_all, error);
  const int lock = open((folder + "/lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  if (lock < 0) {
    return absl::FailedPreconditionError(
        fmt::format("the cache folder {} cannot be written to: name another with --cache", folder));
  }
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::FailedPreconditionError(
        fmt::format("another agent uses the cache folder {}: name another with --cache", folder));
  }
  auto store = ArtifactStore::Open(folder, most_bytes, ArtifactStore::Keep::kUsually);
  if (store.ok()) {
    return std::unique_ptr<ArtifactCache>(new ArtifactCache(*std::move(store), lock));
  }
  close(lock);
  return store.status();
}

ArtifactCache::~ArtifactCache() { close(lock_); }

absl::StatusOr<ArtifactCache::Pin> ArtifactCache::Get(const std::string& digest, uint64_t size,
                                                      const Fetch& fetch) {
  std::unique_lock lock(mutex_);
  for (;;) {
    fetched_.wait(lock, [&] { return !fetching_.contains(digest); });
    if (Pin pin = PinOf(digest)) {
      lock.unlock();
      if (Holds(*pin, size, digest)) return pin;
      pin.reset();
      lock.lock();
      if (store_->Drop(digest)) continue;
      return absl::DataLossError(
          fmt::format("artifact {} is damaged, or not of {} bytes", digest, size));
    }
    fetching_.insert(digest);
    lock.unlock();
    const absl::Status brought = Bring(digest, size, fetch);
    lock.lock();
    // Pinned before anybody else can make room.
    Pin pin = brought.ok() ? PinOf(digest) : nullptr;
    fetching_.erase(digest);
    fetched_.notify_all();  // where it failed, whoever waits tries for itself
    if (!brought.ok()) return brought;
    if (pin != nullptr) return pin;
  }
}

absl::Status ArtifactCache::Bring(const std::string& digest, uint64_t size, const Fetch& fetch) {
  auto upload = store_->Begin(digest, size);
  if (!upload.ok()) return upload.status();
  const auto bytes = fetch();
  if (!bytes.ok()) return bytes.status();
  for (std::string_view rest = *bytes; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, kArtifactChunkBytes);
    rest.remove_prefix(chunk.size());
    const absl::Status s = (*upload)->Append(chunk);
    if (absl::IsInvalidArgument(s)) return absl::DataLossError(s.message());
    if (!s.ok()) return s;
  }
  return (*upload)->Finish();
}

ArtifactCache::Pin ArtifactCache::PinOf(const std::string& digest) {
  if (!store_->Pin(digest)) return nullptr;
  return Pin(new std::string(store_->PathOf(digest).value()),
             [this, digest](const std::string* path) {
               delete path;
               store_->Unpin(digest);
             });
}

}  // namespace halyard
