#include "rpc_farm/tracker/server/tracker_metrics.h"

#include <prometheus/metric_family.h>

#include <future>
#include <limits>
#include <memory>
#include <utility>

namespace halyard {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

ClientMetric Value(MetricType type, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  return metric;
}

MetricFamily Single(const char* name, const char* help, MetricType type, double value) {
  return {name, help, type, {Value(type, value)}};
}

// Of waits; Prometheus wants seconds and cumulative counts.
MetricFamily LeaseWait(const WaitHistogram& waits) {
  ClientMetric metric;
  metric.histogram.sample_count = waits.count;
  metric.histogram.sample_sum = waits.sum_ms / 1000;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < kWaitBoundsMs.size(); ++i) {
    cumulative += waits.counts[i];
    metric.histogram.bucket.push_back({cumulative, static_cast<double>(kWaitBoundsMs[i]) / 1000});
  }
  metric.histogram.bucket.push_back({waits.count, std::numeric_limits<double>::infinity()});
  return {"halyard_farm_lease_wait_seconds",
          "From a request's submission to its first lease.",
          MetricType::Histogram,
          {metric}};
}

void AddBoards(const farm::v1::FarmStatus& status, std::vector<MetricFamily>& families) {
  MetricFamily up{"halyard_farm_board_up", "1: its agent is heard of.", MetricType::Gauge, {}};
  MetricFamily busy{"halyard_farm_board_busy", "1: under a lease.", MetricType::Gauge, {}};
  MetricFamily ready{"halyard_farm_board_ready",
                     "0: lost, in quarantine, draining or cooling down.",
                     MetricType::Gauge,
                     {}};
  MetricFamily drift{"halyard_farm_board_drift_ratio",
                     "Canary time over the board's own at its start.",
                     MetricType::Gauge,
                     {}};
  MetricFamily done{
      "halyard_farm_board_runs_total", "Runs that ended with an outcome.", MetricType::Counter, {}};
  MetricFamily losses{"halyard_farm_board_losses_total",
                      "Runs that the board or its agent lost.",
                      MetricType::Counter,
                      {}};
  for (const auto& board : status.boards()) {
    const Labels labels = {{"board", board.name()}, {"device", board.device()}};
    up.metric.push_back(Value(MetricType::Gauge, board.live(), labels));
    busy.metric.push_back(Value(MetricType::Gauge, !board.request().empty(), labels));
    ready.metric.push_back(Value(MetricType::Gauge, board.health() == "ready", labels));
    drift.metric.push_back(Value(MetricType::Gauge, board.drift(), labels));
    done.metric.push_back(Value(MetricType::Counter, static_cast<double>(board.done()), labels));
    losses.metric.push_back(
        Value(MetricType::Counter, static_cast<double>(board.losses()), labels));
  }
  for (MetricFamily* family : {&up, &busy, &ready, &drift, &done, &losses}) {
    families.push_back(std::move(*family));
  }
}

}  // namespace

std::vector<MetricFamily> MetricsOf(const farm::v1::FarmStatus& status,
                                    const TrackerFigures& figures) {
  std::vector<MetricFamily> families;
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    families.push_back(Single(name, help, MetricType::Counter, static_cast<double>(value)));
  };
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(Single(name, help, MetricType::Gauge, value));
  };
  counter("halyard_farm_requests_submitted_total", "Requests taken into the queue.",
          figures.submitted);
  const std::pair<const char*, uint64_t> ends[] = {
      {"done", figures.done}, {"lost", figures.lost}, {"cancelled", figures.cancelled}};
  MetricFamily ended{
      "halyard_farm_requests_ended_total", "Requests that ended, by how.", MetricType::Counter, {}};
  for (const auto& [how, count] : ends) {
    ended.metric.push_back(Value(MetricType::Counter, static_cast<double>(count), {{"end", how}}));
  }
  families.push_back(std::move(ended));
  counter("halyard_farm_losses_total", "Runs that were lost.", figures.losses);
  counter("halyard_farm_refused_results_total", "Results under a lease that had ended.",
          figures.refused_results);
  counter("halyard_farm_replays_total", "Requests that had been acknowledged before.",
          figures.replays);
  double waiting = 0;
  for (const auto& line : status.waiting()) waiting += static_cast<double>(line.requests());
  gauge("halyard_farm_requests_waiting", "Requests in the queue.", waiting);
  gauge("halyard_farm_requests_running", "Requests under a lease.",
        static_cast<double>(status.running()));
  gauge("halyard_farm_sessions", "Clients' sessions.", static_cast<double>(status.sessions()));
  gauge("halyard_farm_agents", "Agents connected.", static_cast<double>(status.agents()));
  gauge("halyard_farm_uptime_seconds", "Since the tracker started.",
        static_cast<double>(status.uptime_ms()) / 1000);
  families.push_back(LeaseWait(figures.lease_wait));
  AddBoards(status, families);
  return families;
}

std::vector<MetricFamily> TrackerMetrics::Collect() const {
  // Shared: an answer that comes too late must still find it.
  const auto answer = std::make_shared<std::promise<std::vector<MetricFamily>>>();
  auto future = answer->get_future();
  loop_.Post([answer](Tracker& tracker, FarmTime now) {
    answer->set_value(MetricsOf(tracker.Status(now), tracker.figures()));
    return TrackerLoop::Answer{};
  });
  if (future.wait_for(std::chrono::seconds(2)) != std::future_status::ready) return {};
  return future.get();
}

}  // namespace halyard
