#include "rpc_farm/agent/artifact_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "rpc_farm/sha256.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

constexpr char kPart[] = ".part";

bool IsDigest(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool Holds(const std::string& path, uint64_t size, const std::string& digest) {
  std::error_code error;
  if (fs::file_size(path, error) != size || error) return false;
  std::ifstream file(path, std::ios::binary);
  return Sha256Hex({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()}) ==
         digest;
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
  std::unique_ptr<ArtifactCache> cache(new ArtifactCache(folder, most_bytes, lock));
  cache->FindWhatIsThere();
  return cache;
}

ArtifactCache::~ArtifactCache() { close(lock_); }

void ArtifactCache::FindWhatIsThere() {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    std::error_code gone;
    // Of an agent that was killed while it wrote.
    if (name.ends_with(kPart)) fs::remove(at->path(), gone);
    if (IsDigest(name)) found.emplace_back(at->last_write_time(gone), name);
  }
  std::sort(found.begin(), found.end());
  for (const auto& [time, name] : found) {
    Entry& entry = entries_[name];
    entry.bytes = static_cast<int64_t>(fs::file_size(PathOf(name), error));
    entry.used = ++clock_;
    entry.there = true;
    bytes_ += entry.bytes;
  }
  MakeRoom();
}

absl::StatusOr<ArtifactCache::Pin> ArtifactCache::Get(const std::string& digest, uint64_t size,
                                                      const Fetch& fetch) {
  if (!IsDigest(digest)) return absl::InvalidArgumentError("'" + digest + "' is no digest");
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto at = entries_.find(digest);
    if (at == entries_.end()) break;
    if (!at->second.there) {
      fetched_.wait(lock);
      continue;
    }
    Pin pin = PinOf(digest);
    lock.unlock();
    const bool good = Holds(*pin, size, digest);
    if (good) return pin;
    pin.reset();
    lock.lock();
    // Only what nobody runs is taken away; its users have checked it and hold it open or loaded.
    const auto bad = entries_.find(digest);
    if (bad == entries_.end() || !bad->second.there) continue;
    if (bad->second.users > 0) {
      return absl::DataLossError(fmt::format("artifact {} is not of {} bytes", digest, size));
    }
    bytes_ -= bad->second.bytes;
    entries_.erase(bad);
    break;
  }
  entries_[digest] = Entry{};  // being fetched
  lock.unlock();
  const absl::Status brought = Bring(digest, size, fetch);
  lock.lock();
  fetched_.notify_all();
  if (!brought.ok()) {
    entries_.erase(digest);  // whoever waits fetches it itself
    return brought;
  }
  Entry& entry = entries_[digest];
  entry.there = true;
  entry.bytes = static_cast<int64_t>(size);
  bytes_ += entry.bytes;
  Pin pin = PinOf(digest);
  MakeRoom();
  return pin;
}

absl::Status ArtifactCache::Bring(const std::string& digest, uint64_t size, const Fetch& fetch) {
  const auto bytes = fetch();
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() != size) {
    return absl::DataLossError(
        fmt::format("artifact {}: {} bytes came, {} were said", digest, bytes->size(), size));
  }
  if (Sha256Hex(*bytes) != digest) {
    return absl::DataLossError(fmt::format("artifact {}: what came has another digest", digest));
  }
  // Under its name it is whole or not at all. Nothing is synced: after a power cut the check finds
  // what is missing.
  const std::string path = PathOf(digest), part = path + kPart;
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file.write(bytes->data(), static_cast<std::streamsize>(bytes->size()));
  file.close();
  std::error_code error;
  if (file) fs::rename(part, path, error);
  if (file && !error) return absl::OkStatus();
  fs::remove(part, error);
  return absl::ResourceExhaustedError(fmt::format(
      "the cache folder {} takes no artifact of {} bytes: is its disk full?", folder_, size));
}

ArtifactCache::Pin ArtifactCache::PinOf(const std::string& digest) {
  Entry& entry = entries_[digest];
  entry.users++;
  entry.used = ++clock_;
  std::error_code ignored;
  fs::last_write_time(PathOf(digest), fs::file_time_type::clock::now(), ignored);
  return Pin(new std::string(PathOf(digest)), [this, digest](const std::string* path) {
    delete path;
    const std::lock_guard lock(mutex_);
    entries_[digest].users--;
    MakeRoom();
  });
}

void ArtifactCache::MakeRoom() {
  while (bytes_ > most_bytes_) {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      if (!at->second.there || at->second.users > 0) continue;
      if (oldest == entries_.end() || at->second.used < oldest->second.used) oldest = at;
    }
    if (oldest == entries_.end()) return;
    std::error_code ignored;
    fs::remove(PathOf(oldest->first), ignored);
    bytes_ -= oldest->second.bytes;
    entries_.erase(oldest);
  }
}

int64_t ArtifactCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace halyard
