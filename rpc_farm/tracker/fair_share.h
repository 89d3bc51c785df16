// Who goes next among users of equal priority: the one whose requests have had the least board
// time, after start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996). A user who comes back
// starts level with those who are there, so that nobody saves up a claim by being away.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace halyard {

// Not thread-safe.
class FairShare {
 public:
  // A request of `user` came into the queue, or left the farm for good.
  void Enter(const std::string& user);
  void Leave(const std::string& user);

  // Board time that a request of the user takes. Negative: less than was charged before.
  void Charge(const std::string& user, double seconds);

  // True where `a` goes before `b`; by name where both have had the same.
  bool Before(const std::string& a, const std::string& b) const;
  double seconds(const std::string& user) const;

 private:
  struct User {
    double seconds = 0;  // virtual time: what it had, plus what it began level with
    int requests = 0;    // queued or running
  };
  std::map<std::string, User> users_;
  // Where a user who comes now begins: the least of those present, or of the last to leave.
  double level_ = 0;
};

}  // namespace halyard
