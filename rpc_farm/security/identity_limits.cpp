#include "rpc_farm/security/identity_limits.h"

#include <algorithm>

namespace halyard {
namespace {

// Certificates bound the identities; this bounds the memory all the same.
constexpr size_t kForgetAbove = 1024;

}  // namespace

bool RateLimit::Take(const std::string& identity, Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [at, is_new] = buckets_.try_emplace(identity, Bucket{burst_, now});
  Bucket& bucket = at->second;
  const std::chrono::duration<double> passed = now - bucket.filled;
  if (passed.count() > 0) {
    bucket.tokens = std::min(burst_, bucket.tokens + passed.count() * per_second_);
    bucket.filled = now;
  }
  const bool taken = bucket.tokens >= 1;
  if (taken) bucket.tokens -= 1;
  if (is_new && buckets_.size() > kForgetAbove) Forget(now);
  return taken;
}

// A bucket that has been full again is as good as a new one.
void RateLimit::Forget(Time now) {
  const std::chrono::duration<double> to_fill(burst_ / per_second_);
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    at = now - at->second.filled > to_fill ? buckets_.erase(at) : std::next(at);
  }
}

size_t RateLimit::identities() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return buckets_.size();
}

struct OpenLimit::Place::Counts {
  std::mutex mutex;
  std::map<std::string, int> open;
};

OpenLimit::Place::~Place() {
  if (counts_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(counts_->mutex);
  const auto at = counts_->open.find(identity_);
  if (--at->second == 0) counts_->open.erase(at);
}

OpenLimit::OpenLimit(int most) : most_(most), counts_(std::make_shared<Place::Counts>()) {}
OpenLimit::~OpenLimit() = default;

std::optional<OpenLimit::Place> OpenLimit::Enter(const std::string& identity) {
  const std::lock_guard<std::mutex> lock(counts_->mutex);
  const auto at = counts_->open.find(identity);
  if (at != counts_->open.end() && at->second >= most_) return std::nullopt;
  counts_->open[identity]++;
  return Place(counts_, identity);
}

OpenLimit::Place OpenLimit::EnterAnyway(const std::string& identity) {
  const std::lock_guard<std::mutex> lock(counts_->mutex);
  counts_->open[identity]++;
  return Place(counts_, identity);
}

bool OpenLimit::IsFull(const std::string& identity) const { return open(identity) >= most_; }

int OpenLimit::open(const std::string& identity) const {
  const std::lock_guard<std::mutex> lock(counts_->mutex);
  const auto at = counts_->open.find(identity);
  return at == counts_->open.end() ? 0 : at->second;
}

}  // namespace halyard
