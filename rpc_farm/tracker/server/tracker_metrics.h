// /metrics for Prometheus (text exposition format 0.0.4): what the tracker counts, and its boards.
#pragma once

#include <prometheus/collectable.h>

#include <vector>

#include "farm.pb.h"
#include "rpc_farm/tracker/server/tracker_loop.h"
#include "rpc_farm/tracker/tracker_figures.h"

namespace halyard {

std::vector<prometheus::MetricFamily> MetricsOf(const farm::v1::FarmStatus& status,
                                                const TrackerFigures& figures);

// Asks the loop at every scrape. Thread-safe.
class TrackerMetrics : public prometheus::Collectable {
 public:
  // Must outlive it.
  explicit TrackerMetrics(TrackerLoop& loop) : loop_(loop) {}
  // Nothing where the loop does not answer within two seconds.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  TrackerLoop& loop_;
};

}  // namespace halyard
