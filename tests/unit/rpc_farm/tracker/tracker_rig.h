// A scheduler with a clock of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "rpc_farm/tracker/scheduler.h"

namespace halyard {

class TrackerRig : public testing::Test {
 protected:
  using Orders = std::vector<FarmOrder>;

  void Wait(int64_t ms) { now_ += FarmDuration(ms); }
  Orders Advance() { return scheduler_.Advance(now_); }

  // A session with one rpi4 board for each name.
  std::vector<absl::Status> Connect(SessionId session, const std::string& agent,
                                    const std::vector<std::string>& boards,
                                    const std::vector<Lease>& running = {}) {
    std::vector<BoardSpec> specs;
    for (const std::string& name : boards) specs.push_back({name, "rpi4", {}});
    return scheduler_.Connect(session, agent, specs, running, now_);
  }
  absl::Status Submit(const std::string& id, const std::string& user = "ann", int priority = 0,
                      std::set<std::string> tags = {}) {
    FarmRequest request{id, user, priority, "rpi4", std::move(tags), "", FarmDuration(60'000)};
    return scheduler_.Submit(request, now_);
  }
  void Add(const std::string& id, const std::string& user = "ann", int priority = 0,
           std::set<std::string> tags = {}) {
    EXPECT_TRUE(Submit(id, user, priority, std::move(tags)).ok());
  }
  absl::Status Finish(SessionId session, const Lease& lease, RunEnd end = RunEnd::kDone) {
    return scheduler_.Finish(session, lease, end, "result of " + lease.request, now_);
  }
  RequestState StateOf(const std::string& id) const {
    return scheduler_.StatusOf(id).value().state;
  }
  // Connected and unheard of for no longer than a heartbeat.
  void Beat(SessionId session) { scheduler_.Heartbeat(session, now_); }

  static Orders Of(FarmOrder::Kind kind, const Orders& orders) {
    Orders some;
    std::copy_if(orders.begin(), orders.end(), std::back_inserter(some),
                 [&](const FarmOrder& o) { return o.kind == kind; });
    return some;
  }
  // The leases that begin now.
  std::vector<Lease> Runs() {
    std::vector<Lease> leases;
    for (const FarmOrder& o : Of(FarmOrder::Kind::kRun, Advance())) leases.push_back(o.lease);
    return leases;
  }

  FarmTime now_{FarmDuration(1'000'000)};
  Scheduler scheduler_;
};

}  // namespace halyard
