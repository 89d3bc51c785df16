// How much one identity may ask for: a rate, and how many things at once. One who floods the
// tracker is refused; the others do not notice.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace halyard {

// A token bucket for each identity: `per_second` in the long run, `burst` at once. Thread-safe.
class RateLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  RateLimit(double per_second, double burst) : per_second_(per_second), burst_(burst) {}

  // False: over the rate; nothing was taken.
  bool Take(const std::string& identity, Time now);
  size_t identities() const;

 private:
  struct Bucket {
    double tokens = 0;
    Time filled{};
  };
  void Forget(Time now);

  const double per_second_, burst_;
  mutable std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

// Counts what each identity has open: calls, streams, sessions. Thread-safe.
class OpenLimit {
 public:
  // Gives its place back when it ends. May outlive the OpenLimit.
  class Place {
   public:
    Place(Place&&) noexcept = default;
    Place& operator=(Place&&) = delete;
    ~Place();

   private:
    friend class OpenLimit;
    struct Counts;
    Place(std::shared_ptr<Counts> counts, std::string identity)
        : counts_(std::move(counts)), identity_(std::move(identity)) {}
    std::shared_ptr<Counts> counts_;
    std::string identity_;
  };

  explicit OpenLimit(int most);
  ~OpenLimit();
  OpenLimit(const OpenLimit&) = delete;
  OpenLimit& operator=(const OpenLimit&) = delete;

  // Nothing: the identity has as many as it may.
  std::optional<Place> Enter(const std::string& identity);
  // Counted whatever the limit says.
  Place EnterAnyway(const std::string& identity);
  bool IsFull(const std::string& identity) const;
  int open(const std::string& identity) const;

 private:
  const int most_;
  std::shared_ptr<Place::Counts> counts_;
};

}  // namespace halyard
