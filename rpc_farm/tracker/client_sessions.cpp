#include "rpc_farm/tracker/client_sessions.h"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/escaping.h"

namespace halyard {
namespace {

// 128 random bits: a session's name is also the right to use it.
absl::StatusOr<std::string> NewSessionId() {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
    return absl::UnavailableError("no random bytes for a session's name");
  }
  return absl::BytesToHexString({reinterpret_cast<const char*>(bytes), sizeof(bytes)});
}

}  // namespace

std::string RequestId(const std::string& session, uint64_t number) {
  return fmt::format("{}/{}", session, number);
}

absl::StatusOr<StoredSession> ClientSessions::Open(const std::string& user,
                                                   const std::string& label, FarmTime now) {
  const auto of_user = std::count_if(sessions_.begin(), sessions_.end(), [&](const auto& entry) {
    return entry.second.stored.user == user;
  });
  if (of_user >= kMostSessionsPerUser) {
    return absl::ResourceExhaustedError(
        fmt::format("{} has {} sessions, the most a user may have", user, of_user));
  }
  const auto id = NewSessionId();
  if (!id.ok()) return id.status();
  Session& session = sessions_[*id];
  session.stored = {*id, user, label, 0, {}};
  session.detached = now;
  return session.stored;
}

void ClientSessions::Restore(const StoredSession& stored, const std::set<uint64_t>& live,
                             FarmTime now) {
  sessions_[stored.id] = {stored, live, false, now};
}

absl::Status ClientSessions::Check(const std::string& user, const std::string& id) const {
  const auto at = sessions_.find(id);
  // The same words for another's session: who guesses learns nothing.
  if (at == sessions_.end() || (!user.empty() && at->second.stored.user != user)) {
    return absl::NotFoundError("no such session; it may have expired");
  }
  return absl::OkStatus();
}

absl::Status ClientSessions::CheckNew(const std::string& id, uint64_t number) const {
  const Session& session = sessions_.at(id);
  if (number == 0) return absl::InvalidArgumentError("requests are numbered from 1");
  if (session.live.contains(number)) {
    return absl::AlreadyExistsError(fmt::format("request {} is known", number));
  }
  if (number <= session.stored.floor || session.stored.acknowledged.contains(number)) {
    return absl::FailedPreconditionError(
        fmt::format("request {} has ended and was acknowledged: a replay", number));
  }
  if (number > session.stored.floor + kMostNumbersAhead) {
    return absl::InvalidArgumentError(
        fmt::format("request {} is more than {} ahead of the oldest", number, kMostNumbersAhead));
  }
  return absl::OkStatus();
}

void ClientSessions::Add(const std::string& id, uint64_t number) {
  sessions_.at(id).live.insert(number);
}

bool ClientSessions::Acknowledge(const std::string& id, uint64_t number) {
  Session& session = sessions_.at(id);
  if (session.live.erase(number) == 0) return false;
  StoredSession& stored = session.stored;
  stored.acknowledged.insert(number);
  while (!stored.acknowledged.empty() && *stored.acknowledged.begin() == stored.floor + 1) {
    stored.acknowledged.erase(stored.acknowledged.begin());
    stored.floor++;
  }
  return true;
}

void ClientSessions::Attach(const std::string& id) { sessions_.at(id).attached = true; }

void ClientSessions::Detach(const std::string& id, FarmTime now) {
  const auto at = sessions_.find(id);
  if (at == sessions_.end()) return;
  at->second.attached = false;
  at->second.detached = now;
}

bool ClientSessions::attached(const std::string& id) const {
  const auto at = sessions_.find(id);
  return at != sessions_.end() && at->second.attached;
}

void ClientSessions::Close(const std::string& id) { sessions_.erase(id); }

std::vector<std::string> ClientSessions::Expired(FarmTime now) const {
  std::vector<std::string> expired;
  for (const auto& [id, session] : sessions_) {
    if (!session.attached && now - session.detached >= kSessionExpiry) expired.push_back(id);
  }
  return expired;
}

FarmTime ClientSessions::NextExpiry() const {
  FarmTime next = FarmTime::max();
  for (const auto& [id, session] : sessions_) {
    if (!session.attached) next = std::min(next, session.detached + kSessionExpiry);
  }
  return next;
}

const StoredSession* ClientSessions::Find(const std::string& id) const {
  const auto at = sessions_.find(id);
  return at == sessions_.end() ? nullptr : &at->second.stored;
}

std::set<uint64_t> ClientSessions::Live(const std::string& id) const {
  const auto at = sessions_.find(id);
  return at == sessions_.end() ? std::set<uint64_t>{} : at->second.live;
}

}  // namespace halyard
