#include "tuner/report/report_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "tuner/report/columns.h"

namespace halyard {
namespace {

using nlohmann::json;

template <typename T>
json Maybe(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

std::string Text(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

// By place in kOutcomeNames.
json OutcomesJson(const std::map<Outcome, int64_t>& outcomes) {
  json counts = json::array();
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    const auto found = outcomes.find(static_cast<Outcome>(i));
    counts.push_back(found == outcomes.end() ? 0 : found->second);
  }
  return counts;
}

json SessionJson(const ReportSession& s) {
  return {
      {"firstMs", s.first_unix_ms},           {"lastMs", s.last_unix_ms}, {"records", s.records},
      {"outcomes", OutcomesJson(s.outcomes)}, {"tasks", s.tasks},         {"newTasks", s.new_tasks},
      {"betterTasks", s.better_tasks}};
}

// Thousandths are enough of everything that is drawn.
json Rounded(const std::optional<double>& value) {
  return value ? json(std::round(*value * 1e4) / 1e4) : json();
}

const char* HealthName(BoardHealth health) {
  switch (health) {
    case BoardHealth::kIdle:
      return "idle";
    case BoardHealth::kGood:
      return "good";
    case BoardHealth::kWatch:
      return "watch";
    case BoardHealth::kBad:
      break;
  }
  return "bad";
}

json PointsJson(const std::vector<BoardPoint>& points) {
  json time = json::array(), records = json::array(), lost = json::array(), celsius = json::array(),
       drift = json::array(), clock = json::array();
  for (const BoardPoint& p : points) {
    time.push_back(p.time_unix_ms / 1000);
    records.push_back(p.records);
    lost.push_back(p.lost);
    celsius.push_back(Rounded(p.celsius));
    drift.push_back(Rounded(p.drift));
    clock.push_back(Rounded(p.clock_mhz));
  }
  return {{"time", time},       {"records", records}, {"lost", lost},
          {"celsius", celsius}, {"drift", drift},     {"clockMhz", clock}};
}

json BoardJson(const BoardReport& b) {
  return {{"name", b.name},
          {"device", b.device},
          {"kind", BoardKindName(b.kind)},
          {"records", b.records},
          {"inSession", b.in_session},
          {"outcomes", OutcomesJson(b.outcomes)},
          {"lost", b.lost()},
          {"coolest", Maybe(b.coolest)},
          {"hottest", Maybe(b.hottest)},
          {"celsius", Maybe(b.last_celsius)},
          {"mhz", Maybe(b.last_mhz)},
          {"watts", Maybe(b.last_watts)},
          {"drift", Maybe(b.drift)},
          {"leastDrift", Maybe(b.least_drift)},
          {"mostDrift", Maybe(b.most_drift)},
          {"throttled", b.throttled},
          {"repeatability", Maybe(b.repeatability)},
          {"repeated", b.repeated},
          {"lastMs", b.last_unix_ms},
          {"health", HealthName(b.health)},
          {"healthText", b.health_text},
          {"points", PointsJson(b.points)}};
}

json RowOf(const ReportTask& task, const Record* record) {
  if (record == nullptr) return nullptr;
  const auto found = std::find(task.records.begin(), task.records.end(), record);
  return found - task.records.begin();
}

json TaskJson(const ReportTask& t) {
  return {{"label", t.label},
          {"workload", t.key.workload},
          {"device", t.key.device},
          {"deviceText", t.device_text},
          {"unit", t.key.unit},
          {"boardKind", BoardKindName(t.key.board_kind)},
          {"nsPerUnit", t.roofline.ns_per_unit},
          {"flops", t.roofline.flops},
          {"bytes", t.roofline.bytes},
          {"peakGflops", t.roofline.gflops_peak},
          {"copyGbPerS", t.roofline.copy_gb_per_s},
          {"algorithmKnob", t.algorithm_knob},
          {"best", RowOf(t, t.best)},
          {"safe", RowOf(t, t.safe)},
          {"bestBefore", Maybe(t.best_before)},
          {"gain", Maybe(t.gain())},
          {"speedUp", Maybe(t.speed_up())},
          {"inSession", t.in_session},
          {"outcomes", OutcomesJson(t.outcomes)}};
}

// JSON may say "<" as an escape, so that neither "</script>" nor "<!--" can stand in it.
std::string WithoutAngles(const std::string& text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::string ReportJson(const Report& report) {
  BoardPlaces places;
  json boards = json::array();
  for (const BoardReport& b : report.boards) {
    places[{b.device, b.name, b.kind}] = boards.size();
    boards.push_back(BoardJson(b));
  }
  std::string tasks;
  for (const ReportTask& task : report.tasks) {
    std::string text = Text(TaskJson(task));
    text.pop_back();
    tasks += fmt::format(R"({}{},"trials":{}}})", tasks.empty() ? "" : ",\n", text,
                         TrialColumns(task, places));
  }
  const json head = {{"log", report.log},
                     {"madeMs", report.made_unix_ms},
                     {"records", report.records.size()},
                     {"outcomeNames", kOutcomeNames},
                     {"session", SessionJson(report.session)},
                     {"speedUp", Maybe(report.speed_up())},
                     {"gaps", report.gaps},
                     {"library", report.library ? LibraryTableJson(*report.library) : json()},
                     {"boards", std::move(boards)}};
  std::string text = Text(head);
  text.pop_back();
  return WithoutAngles(fmt::format("{},\n\"tasks\":[\n{}\n]}}\n", text, tasks));
}

}  // namespace halyard
