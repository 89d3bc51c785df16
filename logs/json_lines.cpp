#include <fmt/format.h>

#include <istream>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <type_traits>

#include "logs/measurement_log.h"
#include "logs/record_check.h"

namespace halyard {
namespace {

using nlohmann::json;

// First field of every line: says what the line is and in which version of the format.
constexpr char kVersionField[] = "halyard_record";
constexpr int kFormatVersion = 3, kOldestFormatVersion = 1;
constexpr int kSinceSnapshot = 2, kSincePrediction = 3;  // versions that brought fields

std::string ToLine(const Record& record) {
  nlohmann::ordered_json line;
  line[kVersionField] = kFormatVersion;
  line["id"] = record.id;
  line["workload"] = record.workload;
  line["config"] = record.config;
  line["space_version"] = record.space_version;
  line["device"] = record.device;
  line["board"] = record.board;
  line["board_kind"] = BoardKindName(record.board_kind);
  line["unit"] = record.unit;
  line["samples"] = record.samples;
  line["outcome"] = OutcomeName(record.outcome);
  line["message"] = record.message;
  line["phase"] = record.phase;
  line["checks"] = record.checks;
  line["artifact_sha256"] = record.artifact_sha256;
  line["compiler"] = record.compiler;
  line["protocol"] = record.protocol;
  line["environment"] = record.environment;
  line["seed"] = record.seed;
  line["time_unix_ms"] = record.time_unix_ms;
  line["device_snapshot"] = nullptr;
  if (record.device_snapshot != nullptr) {
    line["device_snapshot"] = nlohmann::ordered_json::parse(*record.device_snapshot);
  }
  line["predicted_score"] = nullptr;
  if (record.predicted_score) line["predicted_score"] = *record.predicted_score;
  line["peak_gflops"] = record.peak_gflops;
  line["copy_gb_per_s"] = record.copy_gb_per_s;
  return line.dump();
}

// Takes the fields of an object one by one and remembers the first thing wrong.
class FieldReader {
 public:
  explicit FieldReader(const json& object) : object_(object) {}

  void Read(const char* field, std::string& text) {
    const json* value = Find(field);
    if (value == nullptr) return;
    if (!value->is_string()) return Fail(field, "must be a string");
    text = value->get<std::string>();
  }

  template <typename Integer>
  requires std::is_integral_v<Integer>
  void Read(const char* field, Integer& number) {
    using Limits = std::numeric_limits<Integer>;
    const json* value = Find(field);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return Fail(field, "must be an integer");
    // Non-negative numbers parse as unsigned, so that only negative ones are signed here.
    const bool fits = value->is_number_unsigned()
                          ? std::cmp_less_equal(value->get<uint64_t>(), Limits::max())
                          : std::cmp_greater_equal(value->get<int64_t>(), Limits::min());
    if (!fits) return Fail(field, "is out of range");
    number = value->get<Integer>();
  }

  void Read(const char* field, double& number) {
    const json* value = Find(field);
    if (value == nullptr) return;
    if (!value->is_number()) return Fail(field, "must be a number");
    number = value->get<double>();
  }

  // null: none.
  void Read(const char* field, std::optional<double>& number) {
    const json* value = Find(field);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_number()) return Fail(field, "must be a number or null");
    number = value->get<double>();
  }

  void Read(const char* field, std::vector<double>& numbers) {
    const json* value = Find(field);
    if (value == nullptr) return;
    if (!value->is_array()) return Fail(field, "must be a list of numbers");
    for (const json& number : *value) {
      if (!number.is_number()) return Fail(field, "must be a list of numbers");
      numbers.push_back(number.get<double>());
    }
  }

  // The text of an object; null: null.
  void Read(const char* field, std::shared_ptr<const std::string>& object) {
    const json* value = Find(field);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_object()) return Fail(field, "must be an object or null");
    object = std::make_shared<const std::string>(value->dump());
  }

  void Fail(const char* field, const std::string& problem) {
    if (problem_.empty()) problem_ = fmt::format("{} {}", field, problem);
  }

  // The first thing wrong, or "". REQUIRES: all fields were read.
  std::string Problem() {
    if (!problem_.empty()) return problem_;
    for (const auto& [field, value] : object_.items()) {
      if (!fields_.contains(field)) return fmt::format("unknown field '{}'", field);
    }
    return "";
  }

 private:
  const json* Find(const char* field) {
    fields_.insert(field);
    const auto found = object_.find(field);
    if (found != object_.end()) return &*found;
    Fail(field, "is missing");
    return nullptr;
  }

  const json& object_;
  std::set<std::string> fields_;
  std::string problem_;
};

// Parses one JSON object; "" or what is wrong with it.
std::string ParseObject(const std::string& line, json& object) {
  std::set<std::string> fields;
  std::string twice;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    // The parser itself would keep the last of two equal fields and say nothing.
    if (event == json::parse_event_t::key && depth == 1 &&
        !fields.insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  try {
    object = json::parse(line, watch);
  } catch (const json::parse_error& error) {
    return fmt::format("not valid JSON at byte {}", error.byte);
  } catch (const json::exception&) {
    return "a number is out of range";
  }
  if (!object.is_object()) return "not a JSON object";
  return twice.empty() ? "" : fmt::format("field '{}' occurs twice", twice);
}

// Fills `record` from a line; "" or what is wrong with it.
std::string FromLine(const std::string& line, Record& record) {
  json object;
  std::string problem = ParseObject(line, object);
  if (!problem.empty()) return problem;

  FieldReader reader(object);
  int version = 0;
  reader.Read(kVersionField, version);
  if (version < kOldestFormatVersion || version > kFormatVersion) {
    reader.Fail(kVersionField,
                fmt::format("must be {} to {}", kOldestFormatVersion, kFormatVersion));
    return reader.Problem();
  }
  std::string board_kind, outcome;
  reader.Read("id", record.id);
  reader.Read("workload", record.workload);
  reader.Read("config", record.config);
  reader.Read("space_version", record.space_version);
  reader.Read("device", record.device);
  reader.Read("board", record.board);
  reader.Read("board_kind", board_kind);
  reader.Read("unit", record.unit);
  reader.Read("samples", record.samples);
  reader.Read("outcome", outcome);
  reader.Read("message", record.message);
  reader.Read("phase", record.phase);
  reader.Read("checks", record.checks);
  reader.Read("artifact_sha256", record.artifact_sha256);
  reader.Read("compiler", record.compiler);
  reader.Read("protocol", record.protocol);
  reader.Read("environment", record.environment);
  reader.Read("seed", record.seed);
  reader.Read("time_unix_ms", record.time_unix_ms);
  if (version >= kSinceSnapshot) reader.Read("device_snapshot", record.device_snapshot);
  if (version >= kSincePrediction) {
    reader.Read("predicted_score", record.predicted_score);
    reader.Read("peak_gflops", record.peak_gflops);
    reader.Read("copy_gb_per_s", record.copy_gb_per_s);
  }

  const std::optional<BoardKind> kind = BoardKindFromName(board_kind);
  if (!kind) reader.Fail("board_kind", fmt::format("'{}' is not known", board_kind));
  const std::optional<Outcome> known = OutcomeFromName(outcome);
  if (!known) reader.Fail("outcome", fmt::format("'{}' is not known", outcome));
  problem = reader.Problem();
  if (!problem.empty()) return problem;
  record.outcome = *known;
  record.board_kind = *kind;
  return std::string(NormalizeRecord(record).message());
}

}  // namespace

absl::Status ExportJsonLines(const MeasurementLog& log, std::ostream& out) {
  const absl::StatusOr<std::vector<Record>> records = log.Query({});
  if (!records.ok()) return records.status();
  for (const Record& record : *records) out << ToLine(record) << '\n';
  out.flush();
  if (!out) return absl::ResourceExhaustedError("the records cannot be written: output failed");
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ImportJsonLines(std::istream& in, MeasurementLog& log) {
  std::vector<Record> records;
  std::string line;
  while (std::getline(in, line)) {
    const std::string problem = FromLine(line, records.emplace_back());
    if (!problem.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("line {}: {}; nothing was imported", records.size(), problem));
    }
  }
  if (in.bad()) return absl::DataLossError("the records cannot be read: input failed");
  const absl::Status status = log.Append(records);
  if (!status.ok()) return status;
  return static_cast<int64_t>(records.size());
}

}  // namespace halyard
