#include "logs/record_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace halyard {
namespace {

// `text` with NUL and invalid UTF-8 replaced by U+FFFD.
std::string Utf8(const std::string& text) {
  const bool ascii =
      std::all_of(text.begin(), text.end(), [](unsigned char c) { return c != 0 && c < 0x80; });
  if (ascii) return text;
  using nlohmann::json;
  const std::string quoted = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
  std::string valid = json::parse(quoted).get<std::string>();
  for (size_t at = valid.find('\0'); at != std::string::npos; at = valid.find('\0', at)) {
    valid.replace(at, 1, "\xEF\xBF\xBD");
  }
  return valid;
}

absl::Status Wrong(std::string_view field, std::string_view problem) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, problem));
}

}  // namespace

absl::Status NormalizeRecord(Record& record) {
  const std::pair<std::string_view, const std::string*> exact[] = {
      {"workload", &record.workload},
      {"config", &record.config},
      {"device", &record.device},
      {"board", &record.board},
      {"unit", &record.unit},
      {"phase", &record.phase},
      {"artifact_sha256", &record.artifact_sha256}};
  for (const auto& [field, text] : exact) {
    if (Utf8(*text) != *text) return Wrong(field, "must be UTF-8 text without NUL");
  }
  if (record.workload.empty()) return Wrong("workload", "must not be empty");
  if (record.device.empty()) return Wrong("device", "must not be empty");
  if (record.unit != "ns" && record.unit != "virtual_cycles") {
    return Wrong("unit", fmt::format("must be ns or virtual_cycles, not '{}'", record.unit));
  }
  if (record.phase != "screening" && record.phase != "final") {
    return Wrong("phase", fmt::format("must be screening or final, not '{}'", record.phase));
  }
  for (double sample : record.samples) {
    if (!std::isfinite(sample) || sample < 0) {
      return Wrong("samples", fmt::format("must be finite and not negative, not {}", sample));
    }
  }
  if (record.outcome == Outcome::kOk && record.samples.empty()) {
    return Wrong("samples", "an ok record needs at least one");
  }
  if (record.predicted_score && !std::isfinite(*record.predicted_score)) {
    return Wrong("predicted_score", fmt::format("must be finite, not {}", *record.predicted_score));
  }
  for (const auto& [field, peak] : {std::pair("peak_gflops", record.peak_gflops),
                                    std::pair("copy_gb_per_s", record.copy_gb_per_s)}) {
    if (!std::isfinite(peak) || peak < 0) {
      return Wrong(field, fmt::format("must be finite and not negative, not {}", peak));
    }
  }
  if (record.device_snapshot != nullptr) {
    const auto snapshot = nlohmann::json::parse(*record.device_snapshot, nullptr, false);
    if (!snapshot.is_object()) return Wrong("device_snapshot", "must be a JSON object");
  }
  for (std::string* text :
       {&record.message, &record.checks, &record.compiler, &record.environment}) {
    *text = Utf8(*text);
  }
  return absl::OkStatus();
}

}  // namespace halyard
