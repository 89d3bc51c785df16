// Unary calls that give way: to whoever presses Ctrl-C, and to a tracker that is away for a while.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "rpc_farm/proto/rpc_status.h"

namespace halyard {

inline constexpr std::chrono::seconds kCallDeadline{10};
inline constexpr std::chrono::milliseconds kShortestCall{1000};
inline constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{5000};  // between tries
inline constexpr std::chrono::milliseconds kStopPoll{50};

inline void SetDeadline(grpc::ClientContext& context, std::chrono::milliseconds limit) {
  context.set_deadline(std::chrono::system_clock::now() + limit);
}

// False: `stop` was set.
inline bool Pause(std::chrono::milliseconds pause, const std::atomic<bool>& stop) {
  for (const auto until = std::chrono::steady_clock::now() + pause;
       std::chrono::steady_clock::now() < until;) {
    if (stop) return false;
    std::this_thread::sleep_for(std::min(kStopPoll, pause));
  }
  return true;
}

// What another try may bring about.
inline bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || IsPassingLimit(status);
}

// One try: call(context, end). Cancelled: `stop` was set; whoever presses Ctrl-C does not wait for
// a network that is gone.
template <typename Call>
absl::Status CallOnce(std::chrono::milliseconds limit, const std::atomic<bool>& stop, Call call) {
  grpc::ClientContext context;
  SetDeadline(context, limit);
  // Shared: set_value() may still be at it when what it set is taken.
  const auto ended = std::make_shared<std::promise<grpc::Status>>();
  auto end = ended->get_future();
  call(context, [ended](grpc::Status status) { ended->set_value(std::move(status)); });
  while (end.wait_for(kStopPoll) != std::future_status::ready) {
    if (stop) context.TryCancel();
  }
  const absl::Status status = FromRpc(end.get());
  return stop && absl::IsCancelled(status) ? absl::CancelledError("stopped") : status;
}

// Tries it until it succeeds, fails for good or `give_up` has come.
template <typename Call>
absl::Status RetryCall(std::chrono::steady_clock::time_point give_up, const std::atomic<bool>& stop,
                       Call call) {
  std::chrono::milliseconds pause = kFirstPause;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        give_up - std::chrono::steady_clock::now());
    const absl::Status status = CallOnce(
        std::clamp<std::chrono::milliseconds>(left, kShortestCall, kCallDeadline), stop, call);
    if (!IsPassing(status) || std::chrono::steady_clock::now() + pause > give_up) return status;
    if (!Pause(pause, stop)) return absl::CancelledError("stopped");
    pause = std::min(2 * pause, kLongestPause);
  }
}

}  // namespace halyard
