#include "rpc_farm/tracker/request_queue.h"

#include <algorithm>
#include <vector>

namespace halyard {

void RequestQueue::Push(const FarmRequest& request, bool first) {
  std::deque<std::string>& own = by_priority_[request.priority][request.user];
  if (first) {
    own.push_front(request.id);
  } else {
    own.push_back(request.id);
  }
  ++size_;
}

void RequestQueue::Remove(const FarmRequest& request) {
  const auto priority = by_priority_.find(request.priority);
  if (priority == by_priority_.end()) return;
  const auto user = priority->second.find(request.user);
  if (user == priority->second.end()) return;
  size_ -= std::erase(user->second, request.id);
  if (user->second.empty()) priority->second.erase(user);
  if (priority->second.empty()) by_priority_.erase(priority);
}

std::string RequestQueue::Pop(const FairShare& shares,
                              const std::function<bool(const std::string&)>& fits) {
  for (auto priority = by_priority_.begin(); priority != by_priority_.end(); ++priority) {
    Users& users = priority->second;
    std::vector<Users::iterator> order;
    for (auto user = users.begin(); user != users.end(); ++user) order.push_back(user);
    std::sort(order.begin(), order.end(),
              [&](const auto& a, const auto& b) { return shares.Before(a->first, b->first); });
    for (const auto& user : order) {
      std::deque<std::string>& own = user->second;
      const auto found = std::find_if(own.begin(), own.end(), fits);
      if (found == own.end()) continue;
      std::string id = std::move(*found);
      own.erase(found);
      --size_;
      if (own.empty()) users.erase(user);
      if (users.empty()) by_priority_.erase(priority);
      return id;
    }
  }
  return "";
}

}  // namespace halyard
