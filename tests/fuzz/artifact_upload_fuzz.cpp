// Artifacts that come in, several beside each other: chunks that are not what was said, ends too
// early, digests of other bytes, and an agent's cache whose tracker sends what it likes.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "rpc_farm/agent/artifact_cache.h"
#include "rpc_farm/temporary_folder.h"
#include "targets/run_protocol.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

constexpr int64_t kCapacity = 200;  // less than the artifacts below have together
constexpr uint64_t kMost = static_cast<uint64_t>(kMostArtifactBytes);

const std::vector<std::string> kBytes = {
    "", "a", "bc", std::string(40, 'd'), std::string(90, 'e'), std::string(120, 'f')};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Both live for all executions; each leaves the store empty.
struct Shelf {
  Shelf() {
    for (const std::string& bytes : kBytes) digests.push_back(Sha256Hex(bytes));
  }
  TemporaryFolder folder;
  std::vector<std::string> digests;
  const std::unique_ptr<ArtifactStore> store =
      *ArtifactStore::Open(folder.path() + "/store", kCapacity, ArtifactStore::Keep::kUsually);
  const std::unique_ptr<ArtifactCache> cache =
      *ArtifactCache::Open(folder.path() + "/cache", kCapacity);
};

class Uploads {
 public:
  Uploads(const uint8_t* data, size_t size, Shelf& shelf) : input_(data, size), shelf_(shelf) {}

  void Play() {
    while (!input_.empty()) Step();
    Check();
    uploads_.clear();
    for (const std::string& digest : pins_) Store().Unpin(digest);
    for (const std::string& digest : shelf_.digests) {
      Require(Store().Drop(digest), "what nobody pins can go");
    }
    Require(Store().bytes() == 0, "nothing is left");
    Require(std::filesystem::is_empty(shelf_.folder.path() + "/store"), "and no file of it");
  }

 private:
  // What was said of an upload and came of it.
  struct Open {
    std::unique_ptr<ArtifactStore::Upload> upload;
    std::string digest, received;
    uint64_t size = 0;
  };

  ArtifactStore& Store() { return *shelf_.store; }
  std::string Digest() { return input_.OneIn(16) ? input_.Bytes(70) : input_.Pick(shelf_.digests); }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
      case 1:
        return Begin();
      case 2:
      case 3:
        return Append();
      case 4:
        return Finish();
      case 5:
        if (!uploads_.empty()) uploads_.erase(uploads_.begin() + Place());  // its client is gone
        return;
      case 6:
        return Pin();
      default:
        return Fetch();
    }
  }

  void Begin() {
    if (uploads_.size() >= 6) return;
    Open open;
    const size_t which = input_.Below(kBytes.size());
    open.digest = input_.OneIn(8) ? Digest() : shelf_.digests[which];
    open.size = input_.OneIn(4) ? input_.Integer() : kBytes[which].size();
    auto upload = Store().Begin(open.digest, open.size);
    const bool is_digest = open.digest.size() == 64 &&
                           open.digest.find_first_not_of("0123456789abcdef") == std::string::npos;
    Require(upload.ok() == (is_digest && open.size <= kMost), "what may come in is taken");
    if (!upload.ok()) return;
    open.upload = *std::move(upload);
    uploads_.push_back(std::move(open));
  }

  std::ptrdiff_t Place() { return static_cast<std::ptrdiff_t>(input_.Below(uploads_.size())); }

  void Append() {
    if (uploads_.empty()) return;
    Open& open = uploads_[static_cast<size_t>(Place())];
    std::string chunk = input_.Pick(kBytes);
    if (input_.OneIn(16)) chunk.assign(kArtifactChunkBytes + input_.Below(2), 'x');
    if (input_.OneIn(4)) chunk = input_.Bytes(20);
    const bool fits =
        chunk.size() <= kArtifactChunkBytes && chunk.size() <= open.size - open.received.size();
    const absl::Status status = open.upload->Append(chunk);
    Require(status.ok() == fits, "a chunk is taken where it was said");
    Require(fits || absl::IsInvalidArgument(status), "and is else the sender's fault");
    if (fits) open.received += chunk;
  }

  void Finish() {
    if (uploads_.empty()) return;
    const std::ptrdiff_t at = Place();
    Open& open = uploads_[static_cast<size_t>(at)];
    const bool whole = open.received.size() == open.size && Sha256Hex(open.received) == open.digest;
    const absl::Status status = open.upload->Finish();
    Require(status.ok() == whole, "what is whole and right is kept, and nothing else");
    Require(whole || absl::IsDataLoss(status), "what is not was damaged on its way");
    if (whole) Require(Store().Has(open.digest), "what is kept is here");
    if (whole) Check();  // room was made for it
    uploads_.erase(uploads_.begin() + at);
  }

  void Pin() {
    const std::string digest = Digest();
    if (!pins_.empty() && input_.Flip()) {
      Store().Unpin(pins_.back());
      return pins_.pop_back();
    }
    const bool here = Store().Has(digest);
    Require(Store().Pin(digest) == here, "what is here can be pinned");
    if (here) pins_.push_back(digest);
  }

  // As an agent does, from a tracker that sends any bytes.
  void Fetch() {
    const size_t which = input_.Below(kBytes.size());
    const std::string& digest = shelf_.digests[which];
    const uint64_t size = input_.OneIn(4) ? input_.Integer() : kBytes[which].size();
    const std::string sent = input_.OneIn(4) ? input_.Bytes(100) : kBytes[which];
    const auto pin = shelf_.cache->Get(digest, size, [&] { return sent; });
    if (!pin.ok()) return;
    Require(ReadAll(**pin) == kBytes[which] && size == kBytes[which].size(),
            "what an agent runs is what was asked for");
  }

  void Check() {
    int64_t bytes = 0;
    for (const std::string& digest : shelf_.digests) {
      const auto path = Store().PathOf(digest);
      Require(path.ok() == Store().Has(digest), "what is here has a path");
      if (!path.ok()) continue;
      const std::string kept = ReadAll(*path);
      Require(Sha256Hex(kept) == digest, "what is here is right");
      bytes += static_cast<int64_t>(kept.size());
    }
    Require(bytes == Store().bytes(), "what is here is counted");
    for (const std::string& digest : pins_) Require(Store().Has(digest), "what is pinned stays");
  }

  FuzzInput input_;
  Shelf& shelf_;
  std::vector<Open> uploads_;
  std::vector<std::string> pins_;
};

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static halyard::Shelf shelf;
  halyard::Uploads(data, size, shelf).Play();
  return 0;
}
