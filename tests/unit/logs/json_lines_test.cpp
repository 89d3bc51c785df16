#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "logs/measurement_log.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

std::string Export(const MeasurementLog& log) {
  std::ostringstream out;
  const absl::Status status = ExportJsonLines(log, out);
  EXPECT_TRUE(status.ok()) << status;
  return out.str();
}

std::string ExportOf(std::vector<Record> records) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  EXPECT_TRUE(log->Append(records).ok());
  return Export(*log);
}

TEST(JsonLines, TheFormatIsPinned) {
  EXPECT_EQ(
      ExportOf({FullRecord()}),
      R"({"halyard_record":3,"id":1,"workload":"gemm:64x48x32:f32","config":"tile=4x16;vec=8",)"
      R"("space_version":7,"device":"rpi4","board":"rpi4-2","board_kind":"virtual",)"
      R"("unit":"virtual_cycles","samples":[1234.5,1200.0,1300.25],"outcome":"ok",)"
      R"("message":"all well","phase":"final","checks":"probe:64,projection,guards,scan",)"
      R"("artifact_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",)"
      R"("compiler":"Halide 14, llc -O3","protocol":3,"environment":"clock=1.5GHz;temp=41",)"
      R"("seed":18446744073709551615,"time_unix_ms":1700000000123,)"
      R"("device_snapshot":{"clock_ghz":1.5,"cpu":"Cortex-A72"},)"
      R"("predicted_score":0.484,"peak_gflops":48.0,"copy_gb_per_s":4.25})"
      "\n");
}

TEST(JsonLines, ExportImportExportGivesTheSameBytes) {
  using Limits = std::numeric_limits<double>;
  std::vector<Record> records(3, FullRecord());
  records[0].message = "quote \" slash \\ newline \n tab \t bell \a é 日本 \U0001F600 </script>";
  records[0].samples = {0.1, Limits::denorm_min(), Limits::max(), 1e-310, 1.0 / 3, 0.0, 1e22};
  records[1].outcome = Outcome::kWrongResult;
  records[1].samples.clear();
  records[1].board_kind = BoardKind::kPhysical;
  records[1].time_unix_ms = std::numeric_limits<int64_t>::min();
  records[2].protocol = std::numeric_limits<int>::min();
  records[2].device_snapshot = nullptr;
  records[1].predicted_score = -1.0 / 3;
  records[2].predicted_score = std::nullopt;
  records[2].peak_gflops = records[2].copy_gb_per_s = 0;
  records[2].config = "";
  const std::string first = ExportOf(records);

  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::istringstream in(first);
  const auto count = ImportJsonLines(in, *log);
  ASSERT_TRUE(count.ok()) << count.status();
  EXPECT_EQ(*count, 3);
  EXPECT_EQ(Export(*log), first);
  const auto read = log->Query({});
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].id = static_cast<int64_t>(i) + 1;
    ExpectSame((*read)[i], records[i]);
  }
}

// A line as version 1 wrote it. Frozen: never brought in line with later code.
constexpr char kVersion1[] =
    R"({"halyard_record":1,"id":1,"workload":"gemm:8x8x8:f32","config":"tile=4","space_version":2,)"
    R"("device":"host","board":"host-0","board_kind":"physical","unit":"ns","samples":[12.5],)"
    R"("outcome":"ok","message":"","phase":"final","checks":"probe:64","artifact_sha256":"ab",)"
    R"("compiler":"halide 14","protocol":1,"environment":"cool","seed":7,)"
    R"("time_unix_ms":1700000000000})"
    "\n";

TEST(JsonLines, AnOlderVersionIsRead) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::istringstream in(kVersion1);
  const auto count = ImportJsonLines(in, *log);
  ASSERT_TRUE(count.ok()) << count.status();
  const Record record = log->Query({})->at(0);
  EXPECT_EQ(record.device, "host");
  EXPECT_EQ(record.samples, std::vector<double>{12.5});
  EXPECT_EQ(record.device_snapshot, nullptr);
  EXPECT_EQ(record.predicted_score, std::nullopt);
  EXPECT_EQ(record.peak_gflops, 0);
}

// Likewise of version 2.
constexpr char kVersion2[] =
    R"({"halyard_record":2,"id":1,"workload":"gemm:8x8x8:f32","config":"tile=4","space_version":2,)"
    R"("device":"host","board":"host-0","board_kind":"physical","unit":"ns","samples":[12.5],)"
    R"("outcome":"ok","message":"","phase":"final","checks":"probe:64","artifact_sha256":"ab",)"
    R"("compiler":"halide 14","protocol":1,"environment":"cool","seed":7,)"
    R"("time_unix_ms":1700000000000,"device_snapshot":{"cores":4}})"
    "\n";

TEST(JsonLines, TheLastVersionIsRead) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::istringstream in(kVersion2);
  const auto count = ImportJsonLines(in, *log);
  ASSERT_TRUE(count.ok()) << count.status();
  const Record record = log->Query({})->at(0);
  EXPECT_EQ(*record.device_snapshot, R"({"cores":4})");
  EXPECT_EQ(record.predicted_score, std::nullopt);
  EXPECT_EQ(record.copy_gb_per_s, 0);
}

TEST(JsonLines, ImportContinuesTheNumbering) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::istringstream first(ExportOf({FullRecord(), FullRecord()}));
  std::istringstream second(ExportOf({FullRecord()}));
  std::istringstream nothing;
  EXPECT_EQ(*ImportJsonLines(first, *log), 2);
  EXPECT_EQ(*ImportJsonLines(second, *log), 1);
  EXPECT_EQ(*ImportJsonLines(nothing, *log), 0);
  EXPECT_EQ(log->Query({})->back().id, 3);
}

struct Malformed {
  const char* name;
  std::string from;  // this part of a good line ...
  std::string to;    // ... becomes that
  std::string words;
};

class MalformedLine : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedLine, IsNamedAndNothingIsImported) {
  const std::string good = ExportOf({FullRecord()});
  std::string bad = good;
  const size_t at = bad.find(GetParam().from);
  ASSERT_NE(at, std::string::npos);
  bad.replace(at, GetParam().from.size(), GetParam().to);

  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::istringstream in(good + good + bad + good);
  const absl::Status status = ImportJsonLines(in, *log).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  EXPECT_EQ(message.rfind("line 3: ", 0), 0u) << message;
  EXPECT_NE(message.find(GetParam().words), std::string::npos) << message;
  EXPECT_EQ(*log->Count({}), 0);
}

INSTANTIATE_TEST_SUITE_P(
    JsonLines, MalformedLine,
    testing::Values(
        Malformed{"Truncated", "4.25}", "", "not valid JSON at byte"},
        Malformed{"Trailing", "4.25}", "4.25} x", "not valid JSON at byte"},
        Malformed{"NotAnObject", "{\"halyard_record\":3,", "[] //", "not valid JSON"},
        Malformed{"EmptyLine", "{", "\n{", "not valid JSON"},
        Malformed{"UnknownVersion", "\"halyard_record\":3", "\"halyard_record\":4",
                  "halyard_record must be 1 to 3"},
        Malformed{"ANewFieldInAnOldLine", "\"halyard_record\":3", "\"halyard_record\":2",
                  "unknown field 'copy_gb_per_s'"},
        Malformed{"PeakAsText", "\"peak_gflops\":48.0", "\"peak_gflops\":\"48\"",
                  "peak_gflops must be a number"},
        Malformed{"NegativePeak", "48.0", "-48.0", "peak_gflops: must be finite and not negative"},
        Malformed{"PredictionAsText", "0.484", "\"good\"",
                  "predicted_score must be a number or null"},
        Malformed{"SnapshotNotAnObject", "{\"clock_ghz\":1.5,\"cpu\":\"Cortex-A72\"}", "7",
                  "device_snapshot must be an object or null"},
        Malformed{"NoVersion", "\"halyard_record\":3,", "", "halyard_record is missing"},
        Malformed{"TextAsNumber", "\"rpi4-2\"", "7", "board must be a string"},
        Malformed{"NumberAsText", "\"protocol\":3", "\"protocol\":\"3\"",
                  "protocol must be an integer"},
        Malformed{"FractionAsInteger", "\"protocol\":3", "\"protocol\":3.0",
                  "protocol must be an integer"},
        Malformed{"IntegerTooLarge", "\"protocol\":3", "\"protocol\":2147483648",
                  "protocol is out of range"},
        Malformed{"NegativeSeed", "18446744073709551615", "-1", "seed is out of range"},
        Malformed{"SeedTooLarge", "18446744073709551615", "18446744073709551616",
                  "seed must be an integer"},
        Malformed{"SamplesNotAList", "[1234.5,1200.0,1300.25]", "1234.5", "samples must be a list"},
        Malformed{"SampleNotANumber", "1234.5", "\"1234.5\"", "samples must be a list"},
        Malformed{"SampleTooLarge", "1234.5", "1e999", "out of range"},
        Malformed{"SentinelSample", "1234.5", "-1", "samples: must be finite and not negative"},
        Malformed{"OkWithoutSamples", "1234.5,1200.0,1300.25", "", "samples: an ok record"},
        Malformed{"UnknownOutcome", "\"ok\"", "\"okay\"", "outcome 'okay' is not known"},
        Malformed{"UnknownBoardKind", "\"virtual\"", "\"real\"", "board_kind 'real' is not known"},
        Malformed{"UnknownUnit", "\"virtual_cycles\"", "\"ms\"", "unit: must be"},
        Malformed{"UnknownPhase", "\"final\"", "\"last\"", "phase: must be"},
        Malformed{"UnknownField", "\"id\"", "\"extra\":1,\"id\"", "unknown field 'extra'"},
        Malformed{"MissingField", "\"unit\":\"virtual_cycles\",", "", "unit is missing"},
        Malformed{"FieldTwice", "\"id\"", "\"unit\":\"ns\",\"id\"", "field 'unit' occurs twice"},
        Malformed{"InvalidUtf8", "all well", "all \xFFwell", "not valid JSON"}),
    [](const auto& info) { return info.param.name; });

TEST(JsonLines, ATruncatedFileIsRefused) {
  const std::string good = ExportOf({FullRecord(), FullRecord()});
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  const size_t second = good.find('\n') + 1;
  for (size_t end = second + 1; end < good.size() - 1; end += 13) {
    std::istringstream in(good.substr(0, end));
    const absl::Status status = ImportJsonLines(in, *log).status();
    EXPECT_EQ(status.message().substr(0, 8), "line 2: ") << end;
  }
  EXPECT_EQ(*log->Count({}), 0);
}

TEST(JsonLines, AFailingOutputIsReported) {
  TempFolder folder;
  auto log = OpenOrDie(folder.File("log.db"), LogMode::kWrite);
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(ExportJsonLines(*log, out).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace halyard
