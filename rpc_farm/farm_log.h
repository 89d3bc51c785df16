// Structured logs of the farm's programs: one JSON object a line on stderr, for people with `jq`
// and for whatever collects a service's output.
//
//   {"time":"2026-11-22T00:31:05.123Z","level":"info","program":"farm_agent","pid":712,
//    "event":"run_done","board":"rpi4-1","status":"ok"}
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace spdlog {
class logger;
}  // namespace spdlog

namespace halyard {

// Thread-safe. A line is written whole, or not at all where stderr is gone.
class FarmLog {
 public:
  explicit FarmLog(const std::string& program);

  // `fields`: an object; what of it is no UTF-8 is replaced. `event` is a word such as "run_done".
  void Info(const char* event, const nlohmann::json& fields = nlohmann::json::object()) const;
  void Warn(const char* event, const nlohmann::json& fields = nlohmann::json::object()) const;
  void Error(const char* event, const nlohmann::json& fields = nlohmann::json::object()) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace halyard
