#include "tuner/gate/gate_text.h"

#include <map>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/listing.h"
#include "tuner/measured_time.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kColumns = 80, kNameColumns = 26, kVerdictColumns = 17;

// In lines of their own, indented; a word that is longer than a line is one.
std::string Indented(const std::string& text) {
  std::string out, line;
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  for (const std::string& word : words) {
    if (!line.empty() && 4 + line.size() + 1 + word.size() > kColumns) {
      out += "    " + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + "    " + line + "\n";
}

std::string CausesText(const BlameVerdict& blame) {
  return absl::StrJoin(blame.causes, ", ",
                       [](std::string* out, Blame b) { out->append(BlameName(b)); });
}

std::string Value(double value, const Device& device) {
  if (value <= 0) return "-";
  return fmt::format("{:.4g}", 1e-6 * NanosecondsPerUnit(device) * value);
}

std::string RatioText(const GatedVariant& v, const Device& device) {
  if (!v.evidence.ratio) return "-";
  const RatioInterval& r = *v.evidence.ratio;
  if (!IsTimed(device.board_kind())) return fmt::format("{:.3f}", r.mean);
  return fmt::format("{:.2f} [{:.2f} {:.2f}]", r.mean, r.low, r.high);
}

std::string RowText(const GatedVariant& v, const Device& device) {
  const auto workload = ParseWorkload(v.workload);
  std::string name = "  " + (workload.ok() ? ListedText(*workload) : v.workload);
  // What does not fit has a line of its own.
  if (name.size() > kNameColumns) name += "\n" + std::string(kNameColumns, ' ');
  std::string verdict(GateVerdictName(v.decision.verdict));
  if (v.decision.verdict == GateVerdict::kLeftOut) verdict = "left out";
  const std::string& reason = v.decision.reason;
  const bool fits = verdict.size() + 2 + reason.size() <= kVerdictColumns;
  if (!reason.empty() && fits) verdict += ": " + reason;
  std::string row = fmt::format("{:<{}}{:>9}{:>9}{:>18} {}\n", name, kNameColumns,
                                Value(v.before_value(), device), Value(v.now_value(), device),
                                RatioText(v, device), verdict);
  if (!fits) row += Indented(verdict + ": " + reason);
  if (!v.blame.causes.empty()) {
    row += Indented(fmt::format("slower by the {}: {}", CausesText(v.blame), v.blame.text));
  }
  return row;
}

Json RatioJson(const std::optional<RatioInterval>& ratio) {
  if (!ratio) return nullptr;
  return {{"mean", ratio->mean}, {"low", ratio->low}, {"high", ratio->high}};
}

Json SideJson(const Record* record, double value, const std::vector<double>& samples) {
  if (record == nullptr) return nullptr;
  return {{"config", record->config},
          {"record", record->id},
          {"recorded", record->value()},
          {"value", value},
          {"samples", samples}};
}

Json VariantJson(const GatedVariant& v) {
  Json causes = Json::array();
  for (const Blame b : v.blame.causes) causes.push_back(BlameName(b));
  const char* ships = v.decision.ships == GateShips::kNothing ? "nothing"
                      : v.decision.ships == GateShips::kNew   ? "new"
                                                              : "predecessor";
  return {{"workload", v.workload},
          {"verdict", GateVerdictName(v.decision.verdict)},
          {"ships", ships},
          {"reason", v.decision.reason},
          {"old",
           SideJson(v.shipped ? &v.shipped->record : nullptr, v.before_value(), v.before_samples)},
          {"new", SideJson(v.proposed ? &*v.proposed : nullptr, v.now_value(), v.now_samples)},
          {"ratio", RatioJson(v.evidence.ratio)},
          {"rounds", v.rounds},
          {"seed", v.seed},
          {"to_record", RatioJson(v.blame_evidence.new_to_record)},
          {"old_to_record", RatioJson(v.blame_evidence.predecessor_to_record)},
          {"board_drift", RatioJson(v.blame_evidence.drift)},
          {"same_code", v.blame_evidence.same_code},
          {"blame", {{"causes", causes}, {"text", v.blame.text}}}};
}

}  // namespace

std::string GateText(const GateReport& report, const Device& device) {
  std::string out = fmt::format("{} against '{}', {} variants\n", device.id, report.previous.folder,
                                report.variants.size());
  out += BoardNote(device);
  out += fmt::format("\n{:<{}}{:>9}{:>9}{:>18} {}\n", "  task", kNameColumns, "old ms", "new ms",
                     IsTimed(device.board_kind()) ? "new/old [95 %]" : "new/old", "verdict");
  std::map<GateVerdict, int> counts;
  for (const GatedVariant& v : report.variants) {
    out += RowText(v, device);
    counts[v.decision.verdict]++;
  }
  out += "\n ";
  for (const auto& [verdict, count] : counts) {
    std::string name(GateVerdictName(verdict));
    if (verdict == GateVerdict::kLeftOut) name = "left out";
    out += fmt::format(" {} {},", count, name);
  }
  return out + fmt::format(" in {:.1f} board-minutes\n", report.board_seconds / 60);
}

Json GateReportJson(const GateReport& report, const Device& device) {
  Json variants = Json::array();
  for (const GatedVariant& v : report.variants) variants.push_back(VariantJson(v));
  return {
      {"device", device.id},
      {"board_kind", BoardKindName(device.board_kind())},
      {"against",
       {{"folder", report.previous.folder}, {"manifest_sha256", report.previous.manifest_sha256}}},
      {"board_minutes", report.board_seconds / 60},
      {"variants", variants}};
}

}  // namespace halyard
