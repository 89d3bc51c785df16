#include "rpc_farm/farm_log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace halyard {
namespace {

// What follows the pattern's own fields on the line.
std::string Rest(const char* event, const nlohmann::json& fields) {
  std::string text = "\"event\":" + nlohmann::json(event).dump();
  for (const auto& [name, value] : fields.items()) {
    text += "," + nlohmann::json(name).dump() + ":" +
            value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  return text;
}

}  // namespace

FarmLog::FarmLog(const std::string& program)
    : logger_(std::make_shared<spdlog::logger>(program,
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","program":"%n","pid":%P,%v})",
      spdlog::pattern_time_type::utc));
}

void FarmLog::Info(const char* event, const nlohmann::json& fields) const {
  logger_->info("{}", Rest(event, fields));
}
void FarmLog::Warn(const char* event, const nlohmann::json& fields) const {
  logger_->warn("{}", Rest(event, fields));
}
void FarmLog::Error(const char* event, const nlohmann::json& fields) const {
  logger_->error("{}", Rest(event, fields));
}

}  // namespace halyard
