// How a run on a board behind a link is asked for: the link carries a Supervision to the board's
// `board_runner supervise`, which runs the request in a process of its own under the limits and
// prints what became of it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "targets/child_process.h"

namespace halyard {

struct Supervision {
  int64_t deadline_ms = 0;
  int64_t memory_bytes = 0;  // 0: no limit
  std::string request;       // JSON of a RunRequest
};

struct SupervisedRun {
  ChildResult runner;  // `out` is the JSON of a RunReply
  // Android's thermal service before and after, where the board has one.
  std::optional<int64_t> thermal_status_before, thermal_status_after;
};

// Whatever else a board's shell prints (a banner, carriage returns of a terminal), an answer is the
// last line that begins with this mark.
std::string MarkedLine(const nlohmann::json& answer);
std::optional<nlohmann::json> FindMarkedLine(const std::string& text);  // nothing: there is none

// What goes to the supervisor: its length in digits, a newline, itself.
std::string LengthAndText(const std::string& text);

void to_json(nlohmann::json& j, const Supervision& s);
void from_json(const nlohmann::json& j, Supervision& s);  // throws on what is missing or mistyped
void to_json(nlohmann::json& j, const SupervisedRun& s);
void from_json(const nlohmann::json& j, SupervisedRun& s);

}  // namespace halyard
