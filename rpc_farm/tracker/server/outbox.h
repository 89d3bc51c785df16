// The writing half of a stream: gRPC writes one message at a time, and its caller may have more.
#pragma once

#include <grpcpp/support/status.h>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>

namespace halyard {

// Thread-safe. `Reactor` has StartWrite and Finish of gRPC's callback API, and outlives it.
template <typename Reactor, typename Message>
class Outbox {
 public:
  // A peer that reads nothing while so much waits for it is as good as gone.
  static constexpr size_t kMostWaiting = 8192;

  explicit Outbox(Reactor& reactor) : reactor_(reactor) {}

  // False: more waits than may; the stream should be cancelled.
  bool Push(const Message& message) {
    const std::lock_guard lock(mutex_);
    if (finish_) return true;
    if (waiting_.size() >= kMostWaiting) return false;
    waiting_.push_back(message);
    if (waiting_.size() == 1) reactor_.StartWrite(&waiting_.front());
    return true;
  }

  // From the reactor's OnWriteDone.
  void Written(bool ok) {
    const std::lock_guard lock(mutex_);
    waiting_.pop_front();
    if (!ok) waiting_.clear();
    if (!waiting_.empty()) {
      reactor_.StartWrite(&waiting_.front());
    } else if (finish_) {
      reactor_.Finish(*finish_);
    }
  }

  // After what waits has gone out; the first status counts.
  void Finish(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    if (finish_) return;
    finish_ = status;
    if (waiting_.empty()) reactor_.Finish(status);
  }

 private:
  Reactor& reactor_;
  std::mutex mutex_;
  std::deque<Message> waiting_;  // the first is being written
  std::optional<grpc::Status> finish_;
};

}  // namespace halyard
