#include "rpc_farm/tracker/server/tracker_loop.h"

#include <utility>

namespace halyard {

TrackerLoop::TrackerLoop(std::unique_ptr<Tracker> tracker,
                         std::function<void(const absl::Status&)> fatal)
    : tracker_(std::move(tracker)), fatal_(std::move(fatal)), thread_([this] { Run(); }) {}

TrackerLoop::~TrackerLoop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void TrackerLoop::Post(Event event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  wake_.notify_one();
}

void TrackerLoop::AddAgent(SessionId session, ToAgent send,
                           std::function<void(const std::string&)> hang_up) {
  agents_[session] = {std::move(send), std::move(hang_up)};
}

void TrackerLoop::AddClient(const std::string& session, uint64_t stream, ToClient send,
                            std::function<void()> replaced) {
  const auto [at, is_new] = clients_.try_emplace(session);
  if (!is_new) at->second.replaced();
  at->second = {stream, std::move(send), std::move(replaced)};
}

bool TrackerLoop::RemoveClient(const std::string& session, uint64_t stream) {
  const auto at = clients_.find(session);
  if (at == clients_.end() || at->second.stream != stream) return false;
  clients_.erase(at);
  return true;
}

void TrackerLoop::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto ready = [&] { return stopping_ || !events_.empty(); };
    const FarmTime deadline = tracker_->NextDeadline();
    if (deadline == FarmTime::max()) {
      wake_.wait(lock, ready);
    } else {
      wake_.wait_until(lock, deadline, ready);
    }
    std::vector<Event> events = std::exchange(events_, {});
    const bool last = stopping_ && events.empty();
    lock.unlock();
    Turn(std::move(events));
    if (last) return;
    lock.lock();
  }
}

void TrackerLoop::Turn(std::vector<Event> events) {
  if (failed_) return;
  const FarmTime now = FarmClock::now();
  std::vector<Answer> answers;
  for (Event& event : events) answers.push_back(event(*tracker_, now));
  const absl::StatusOr<TrackerOutput> output = tracker_->Settle(now);
  if (!output.ok()) {
    failed_ = true;
    return fatal_(output.status());
  }
  for (const Answer& answer : answers) {
    if (answer) answer();
  }
  Deliver(*output);
}

void TrackerLoop::Deliver(const TrackerOutput& output) {
  for (const auto& [session, why] : output.hang_ups) {
    if (const auto at = agents_.find(session); at != agents_.end()) at->second.hang_up(why);
  }
  for (const auto& [session, message] : output.to_agents) {
    if (const auto at = agents_.find(session); at != agents_.end()) at->second.send(message);
  }
  for (const auto& [session, result] : output.to_clients) {
    if (const auto at = clients_.find(session); at != clients_.end()) at->second.send(result);
  }
}

}  // namespace halyard
