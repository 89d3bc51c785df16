#include "rpc_farm/tracker/fair_share.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>

namespace halyard {

void FairShare::Enter(const std::string& user) {
  double least = HUGE_VAL;
  for (const auto& [name, u] : users_) {
    if (u.requests > 0) least = std::min(least, u.seconds);
  }
  if (least != HUGE_VAL) level_ = std::max(level_, least);
  User& u = users_[user];
  if (u.requests++ == 0) u.seconds = std::max(u.seconds, level_);
}

void FairShare::Leave(const std::string& user) {
  const auto at = users_.find(user);
  if (at == users_.end() || --at->second.requests > 0) return;
  // What it had beyond the level is remembered no longer than the others take to get there.
  std::erase_if(users_, [&](const auto& entry) {
    return entry.second.requests <= 0 && entry.second.seconds <= level_;
  });
}

void FairShare::Charge(const std::string& user, double seconds) { users_[user].seconds += seconds; }

bool FairShare::Before(const std::string& a, const std::string& b) const {
  return std::make_tuple(seconds(a), std::cref(a)) < std::make_tuple(seconds(b), std::cref(b));
}

double FairShare::seconds(const std::string& user) const {
  const auto at = users_.find(user);
  return at == users_.end() ? level_ : at->second.seconds;
}

}  // namespace halyard
