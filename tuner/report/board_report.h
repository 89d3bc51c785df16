// What the records of one board say of its health.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "logs/record.h"

namespace halyard {

// What a record's environment tells of the moment: the inverse of ConditionsText and of what the
// farm adds to it. Only what is there.
struct MeasuredConditions {
  std::optional<double> celsius, clock_mhz, watts;
  // Reference kernel's time on the device's ruler over its time on this board then: below 1 the
  // board was slower than the ruler.
  std::optional<double> ruler;
  bool throttled = false;

  bool any() const { return celsius || clock_mhz || watts || ruler || throttled; }
};
MeasuredConditions ConditionsOf(const std::string& environment);

// A stretch of time, so that a report of a long log stays small.
struct BoardPoint {
  int64_t time_unix_ms = 0;         // of its last record
  int64_t records = 0, lost = 0;    // lost: board_lost and infra_error
  std::optional<double> celsius;    // the highest
  std::optional<double> drift;      // of the last record that has one
  std::optional<double> clock_mhz;  // the lowest
};

enum class BoardHealth { kIdle, kGood, kWatch, kBad };

struct BoardReport {
  std::string name, device;
  BoardKind kind = BoardKind::kPhysical;
  int64_t records = 0, in_session = 0;
  std::map<Outcome, int64_t> outcomes;  // of the whole log
  std::optional<double> coolest, hottest, last_celsius, last_mhz, last_watts;
  // How much longer the reference kernel takes here than on the device's ruler: 0.02 is 2 %.
  std::optional<double> drift, least_drift, most_drift;
  int64_t throttled = 0;
  // Median over the configs it measured more than once of the largest value over the lowest, less
  // 1: what a second look is worth here. `repeated`: how many configs that is.
  std::optional<double> repeatability;
  int64_t repeated = 0;
  int64_t last_unix_ms = 0;
  BoardHealth health = BoardHealth::kGood;
  std::string health_text;  // the reason, for people
  std::vector<BoardPoint> points;

  int64_t count(Outcome outcome) const;
  int64_t lost() const { return count(Outcome::kBoardLost) + count(Outcome::kInfraError); }
};

// One entry a board, by device and name; a board of two kinds is two. Health is judged by the
// records from `session_unix_ms` on.
std::vector<BoardReport> BoardReports(const std::vector<Record>& records, int64_t session_unix_ms);

}  // namespace halyard
