#include "targets/supervision.h"

#include "targets/json_integer.h"

namespace halyard {
namespace {

constexpr char kMark[] = "@halyard:";

// Everything of a runner that is to be text: what a kernel prints need not be UTF-8.
constexpr auto kReplaceBadBytes = nlohmann::json::error_handler_t::replace;

}  // namespace

std::string MarkedLine(const nlohmann::json& answer) {
  // On a line of its own, whatever was printed before. ASCII only: a terminal on the way may know
  // no other.
  return "\n" + std::string(kMark) + answer.dump(-1, ' ', true, kReplaceBadBytes) + "\n";
}

std::optional<nlohmann::json> FindMarkedLine(const std::string& text) {
  const size_t at = text.rfind("\n" + std::string(kMark));
  size_t begin = at == std::string::npos ? 0 : at + 1;
  if (text.compare(begin, sizeof(kMark) - 1, kMark) != 0) return std::nullopt;
  begin += sizeof(kMark) - 1;
  const size_t end = text.find('\n', begin);
  if (end == std::string::npos) return std::nullopt;  // cut short
  auto json = nlohmann::json::parse(text.substr(begin, end - begin), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::string LengthAndText(const std::string& text) {
  return std::to_string(text.size()) + "\n" + text;
}

void to_json(nlohmann::json& j, const Supervision& s) {
  j = {{"deadline_ms", s.deadline_ms}, {"memory_bytes", s.memory_bytes}, {"request", s.request}};
}

void from_json(const nlohmann::json& j, Supervision& s) {
  ReadInteger(j, "deadline_ms", &s.deadline_ms);
  ReadInteger(j, "memory_bytes", &s.memory_bytes);
  j.at("request").get_to(s.request);
}

void to_json(nlohmann::json& j, const SupervisedRun& s) {
  j = {{"started", s.runner.started},
       {"timed_out", s.runner.timed_out},
       {"abandoned", s.runner.abandoned},
       {"exit_code", s.runner.exit_code},
       {"signal", s.runner.signal},
       {"out", s.runner.out},
       {"err", s.runner.err}};
  if (s.thermal_status_before) j["thermal_status_before"] = *s.thermal_status_before;
  if (s.thermal_status_after) j["thermal_status_after"] = *s.thermal_status_after;
}

void from_json(const nlohmann::json& j, SupervisedRun& s) {
  j.at("started").get_to(s.runner.started);
  j.at("timed_out").get_to(s.runner.timed_out);
  j.at("abandoned").get_to(s.runner.abandoned);
  ReadInteger(j, "exit_code", &s.runner.exit_code);
  ReadInteger(j, "signal", &s.runner.signal);
  j.at("out").get_to(s.runner.out);
  j.at("err").get_to(s.runner.err);
  if (j.contains("thermal_status_before")) s.thermal_status_before = j["thermal_status_before"];
  if (j.contains("thermal_status_after")) s.thermal_status_after = j["thermal_status_after"];
}

}  // namespace halyard
