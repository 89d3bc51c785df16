// The requests that wait for a board, in the order they are served: by priority, fairly between
// users, and each user's own in the order they came.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>

#include "rpc_farm/tracker/fair_share.h"
#include "rpc_farm/tracker/farm_types.h"

namespace halyard {

// Holds ids; the requests themselves are the scheduler's. Not thread-safe.
class RequestQueue {
 public:
  // `first`: ahead of the user's others, for a request that was lost and goes again.
  void Push(const FarmRequest& request, bool first);
  void Remove(const FarmRequest& request);

  // Takes out the first that `fits`; "" where none does.
  std::string Pop(const FairShare& shares, const std::function<bool(const std::string&)>& fits);

  size_t size() const { return size_; }

 private:
  using Users = std::map<std::string, std::deque<std::string>>;
  std::map<int, Users, std::greater<>> by_priority_;
  size_t size_ = 0;
};

}  // namespace halyard
