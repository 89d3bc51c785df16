// Clients' sessions: whose they are, which of their requests live, and which results still wait to
// be fetched. Pure logic, as the scheduler is.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/tracker/farm_types.h"
#include "rpc_farm/tracker/tracker_store.h"

namespace halyard {

// A session whose client has no Results stream for so long is over, and its requests with it.
inline constexpr FarmDuration kSessionExpiry{60'000};
// How far ahead of its oldest unacknowledged request a client may number its requests.
inline constexpr uint64_t kMostNumbersAhead = 100'000;
inline constexpr int kMostSessionsPerUser = 256;

// A session's request to the scheduler, which knows no sessions.
std::string RequestId(const std::string& session, uint64_t number);

// Not thread-safe.
class ClientSessions {
 public:
  // ResourceExhausted: the user has too many.
  absl::StatusOr<StoredSession> Open(const std::string& user, const std::string& label,
                                     FarmTime now);
  // Of a tracker before: as if its client had just gone. `live`: numbers of its requests.
  void Restore(const StoredSession& session, const std::set<uint64_t>& live, FarmTime now);

  // NotFound unless there is such a session, and it is the user's. An empty `user` is one without a
  // certificate, on the loopback: the session's name alone is the right to use it.
  absl::Status Check(const std::string& user, const std::string& session) const;

  // Whether a new request may have the number. AlreadyExists: it lives, or has ended and waits to
  // be acknowledged. FailedPrecondition: it was acknowledged. InvalidArgument: 0, or far ahead.
  // REQUIRES of this and those below: the session exists.
  absl::Status CheckNew(const std::string& session, uint64_t number) const;
  void Add(const std::string& session, uint64_t number);
  // False where it was not known, or was before. The session is to be stored anew.
  bool Acknowledge(const std::string& session, uint64_t number);

  void Attach(const std::string& session);
  void Detach(const std::string& session, FarmTime now);
  bool attached(const std::string& session) const;

  void Close(const std::string& session);
  std::vector<std::string> Expired(FarmTime now) const;
  FarmTime NextExpiry() const;

  const StoredSession* Find(const std::string& session) const;
  std::set<uint64_t> Live(const std::string& session) const;
  size_t size() const { return sessions_.size(); }

 private:
  struct Session {
    StoredSession stored;
    std::set<uint64_t> live;  // not acknowledged
    bool attached = false;
    FarmTime detached{};
  };
  std::map<std::string, Session> sessions_;
};

}  // namespace halyard
