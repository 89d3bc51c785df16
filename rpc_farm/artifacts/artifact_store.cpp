#include "rpc_farm/artifacts/artifact_store.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "targets/run_protocol.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

constexpr char kPartSuffix[] = ".part";

bool IsDigest(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace

// ---- uploads

ArtifactStore::Upload::Upload(ArtifactStore& store, std::string digest, int64_t size)
    : store_(store), digest_(std::move(digest)), size_(size) {}

ArtifactStore::Upload::~Upload() {
  if (file_ != nullptr) {
    std::fclose(file_);
    unlink(path_.c_str());
  }
  const std::lock_guard lock(store_.mutex_);
  store_.coming_ -= coming_;
}

absl::Status ArtifactStore::Upload::Append(std::string_view chunk) {
  if (chunk.size() > kArtifactChunkBytes) {
    return absl::InvalidArgumentError(
        fmt::format("a chunk has {} bytes, it may have {}", chunk.size(), kArtifactChunkBytes));
  }
  if (static_cast<int64_t>(chunk.size()) > size_ - received_) {
    return absl::InvalidArgumentError(fmt::format("more bytes came than the {} said", size_));
  }
  received_ += static_cast<int64_t>(chunk.size());
  sha_.Add(chunk);
  if (std::fwrite(chunk.data(), 1, chunk.size(), file_) != chunk.size()) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot keep the artifact: {}", std::strerror(errno)));
  }
  return absl::OkStatus();
}

absl::Status ArtifactStore::Upload::Finish() {
  if (received_ != size_) {
    return absl::DataLossError(fmt::format("{} of {} bytes came", received_, size_));
  }
  if (const std::string digest = sha_.Hex(); digest != digest_) {
    return absl::DataLossError(
        fmt::format("the bytes have the digest {}, {} was said", digest, digest_));
  }
  // Acknowledged requests name it, so it is to be on the disk before they are.
  const bool written =
      std::fflush(file_) == 0 && (store_.keep_ == Keep::kUsually || fdatasync(fileno(file_)) == 0);
  const std::lock_guard lock(store_.mutex_);
  if (!written || std::rename(path_.c_str(), (store_.folder_ + "/" + digest_).c_str()) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot keep the artifact: {}", std::strerror(errno)));
  }
  std::fclose(file_);
  file_ = nullptr;
  store_.coming_ -= std::exchange(coming_, 0);
  store_.Add(digest_, size_);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<ArtifactStore::Upload>> ArtifactStore::Begin(
    const std::string& digest, uint64_t size) {
  if (!IsDigest(digest)) return absl::InvalidArgumentError("an artifact's digest has 32 bytes");
  if (size > static_cast<uint64_t>(kMostArtifactBytes)) {
    return absl::ResourceExhaustedError(
        fmt::format("the artifact has {} bytes, the most an artifact may have is {}", size,
                    kMostArtifactBytes));
  }
  std::unique_ptr<Upload> upload(new Upload(*this, digest, static_cast<int64_t>(size)));
  {
    const std::lock_guard lock(mutex_);
    upload->coming_ = upload->size_;
    coming_ += upload->coming_;
    Evict();
    // Two clients may send the same at once.
    upload->path_ = fmt::format("{}/{}.{}{}", folder_, digest, ++uploads_, kPartSuffix);
  }
  upload->file_ = std::fopen(upload->path_.c_str(), "wbxe");
  if (upload->file_ == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot keep the artifact in {}: {}", folder_, std::strerror(errno)));
  }
  return upload;
}

// ---- what is kept

absl::StatusOr<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(const std::string& folder,
                                                                   int64_t capacity, Keep keep) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    if (at->path().extension() == kPartSuffix) {
      fs::remove(at->path(), error);
    } else if (IsDigest(at->path().filename())) {
      found.emplace_back(at->last_write_time(error), at->path());
    }
  }
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("cannot use the folder {}: {}", folder, error.message()));
  }
  std::unique_ptr<ArtifactStore> store(new ArtifactStore(folder, capacity, keep));
  std::sort(found.begin(), found.end());
  for (const auto& [time, path] : found) {
    store->Add(path.filename(), static_cast<int64_t>(fs::file_size(path, error)));
  }
  return store;
}

void ArtifactStore::Add(const std::string& digest, int64_t size) {
  const auto [at, is_new] = entries_.try_emplace(digest);
  if (!is_new) return;
  at->second.size = size;
  at->second.used = by_use_.insert(by_use_.end(), digest);
  bytes_ += size;
}

void ArtifactStore::Evict() {
  for (auto at = by_use_.begin(); at != by_use_.end() && bytes_ + coming_ > capacity_;) {
    const auto entry = entries_.find(*at);
    if (entry->second.pins > 0) {
      ++at;
      continue;
    }
    unlink((folder_ + "/" + *at).c_str());
    bytes_ -= entry->second.size;
    entries_.erase(entry);
    at = by_use_.erase(at);
  }
}

bool ArtifactStore::Pin(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(digest);
  if (at == entries_.end()) return false;
  at->second.pins++;
  by_use_.splice(by_use_.end(), by_use_, at->second.used);
  return true;
}

void ArtifactStore::Unpin(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  if (const auto at = entries_.find(digest); at != entries_.end()) at->second.pins--;
}

bool ArtifactStore::Drop(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(digest);
  if (at == entries_.end()) return true;
  if (at->second.pins > 0) return false;
  unlink((folder_ + "/" + digest).c_str());
  bytes_ -= at->second.size;
  by_use_.erase(at->second.used);
  entries_.erase(at);
  return true;
}

bool ArtifactStore::Has(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  return entries_.contains(digest);
}

absl::StatusOr<std::string> ArtifactStore::PathOf(const std::string& digest) {
  if (!Has(digest)) return absl::NotFoundError("no artifact " + digest);
  return folder_ + "/" + digest;
}

int64_t ArtifactStore::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace halyard
