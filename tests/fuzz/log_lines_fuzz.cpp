// Records that are imported as JSON lines, into a log in memory.
#include <sstream>

#include "logs/measurement_log.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

class MemoryLog final : public MeasurementLog {
 public:
  absl::Status Append(std::vector<Record>& records) override {
    for (Record& record : records) record.id = static_cast<int64_t>(records_.size()) + 1;
    records_.insert(records_.end(), records.begin(), records.end());
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<Record>> Query(const RecordFilter&) const override { return records_; }
  absl::StatusOr<int64_t> Count(const RecordFilter&) const override {
    return static_cast<int64_t>(records_.size());
  }
  absl::StatusOr<std::vector<LoggedDevice>> Devices() const override {
    return std::vector<LoggedDevice>{};
  }

 private:
  std::vector<Record> records_;
};

std::string Export(const MeasurementLog& log) {
  std::ostringstream out;
  Require(ExportJsonLines(log, out).ok(), "what was imported can be exported");
  return out.str();
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  halyard::MemoryLog log, again;
  std::istringstream in(std::string(reinterpret_cast<const char*>(data), size));
  const auto imported = ImportJsonLines(in, log);
  if (!imported.ok()) {
    halyard::Require(absl::IsInvalidArgument(imported.status()), "a bad line is the line's fault");
    halyard::Require(*log.Count({}) == 0, "all or nothing");
    return 0;
  }
  const auto records = log.Query({});
  for (const halyard::Record& record : *records) {
    if (record.outcome == halyard::Outcome::kOk) {
      halyard::Require(record.value() >= 0 && record.value() < 1.0 / 0.0, "a time is a number");
    }
  }
  std::istringstream exported(Export(log));
  halyard::Require(ImportJsonLines(exported, again).ok(), "what is exported can be imported");
  halyard::Require(Export(again) == Export(log), "and is the same");
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
