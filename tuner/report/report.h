// What a report tells of a measurement log, gathered and not yet put in words.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"
#include "logs/queries.h"
#include "tuner/report/board_report.h"
#include "tuner/report/library_table.h"
#include "tuner/roofline.h"

namespace halyard {

// What may be ranked together, and what it is measured against.
struct ReportTask {
  RankingKey key;
  std::string device_text;             // HardwareNames::DeviceText
  std::string label;                   // "gemm 64x48x32 on rpi4", for people
  std::vector<const Record*> records;  // in id order
  std::map<Outcome, int64_t> outcomes;
  const Record* best = nullptr;  // as BestRecords
  const Record* safe = nullptr;  // of the safe config, a final one before a screening; null: none
  std::optional<double> best_before;  // the session; none where it had no ok record by then
  int64_t in_session = 0;             // records of the session
  // What is not known is 0: of a workload this program cannot read the FLOPs and bytes, of an
  // older log the peak.
  Roofline roofline;
  std::string algorithm_knob;  // Operator::algorithm_knob

  bool has_work() const { return roofline.flops > 0 && roofline.ns_per_unit > 0; }
  bool has_roof() const { return has_work() && roofline.gflops_peak > 0; }
  // Of the safe config's time over the best's.
  std::optional<double> speed_up() const;
  // Of the session, as a share of what was best before it; none for a task that is new in it.
  std::optional<double> gain() const;
};

// The newest records without a longer pause: a night's job, an afternoon at a terminal.
struct ReportSession {
  int64_t first_unix_ms = 0, last_unix_ms = 0;
  int64_t records = 0;
  std::map<Outcome, int64_t> outcomes;
  int64_t tasks = 0, new_tasks = 0, better_tasks = 0;

  double hours() const { return static_cast<double>(last_unix_ms - first_unix_ms) / 3.6e6; }
};

// Records point into `records`, so it is moved and not copied.
struct Report {
  Report() = default;
  Report(Report&&) = default;
  Report& operator=(Report&&) = default;

  std::string log;  // as the user named it
  int64_t made_unix_ms = 0;
  std::vector<Record> records;
  ReportSession session;
  std::vector<ReportTask> tasks;    // in key order
  std::vector<BoardReport> boards;  // by device and name
  // What this log cannot tell and why, a sentence each.
  std::vector<std::string> gaps;
  std::optional<LibraryTable> library;

  // Geometric mean over the tasks that have one.
  std::optional<double> speed_up() const;
};

// Pauses longer than this part two sessions: a search's longest silences, a build of 16 candidates
// on a slow machine or a board that is quarantined, are well below it.
inline constexpr int64_t kSessionPauseMs = 3'600'000;

// `made_unix_ms`: now. NotFound: the log has no records; other errors are the log's.
absl::StatusOr<Report> GatherReport(const MeasurementLog& log, const std::string& log_name,
                                    int64_t made_unix_ms);

}  // namespace halyard
