#include "logs/record.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "logs/record_check.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

TEST(Record, OutcomeNamesRoundTrip) {
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    EXPECT_EQ(OutcomeFromName(OutcomeName(outcome)), outcome);
  }
  EXPECT_EQ(OutcomeFromName("OK"), std::nullopt);
  EXPECT_EQ(OutcomeFromName(""), std::nullopt);
}

TEST(Record, ValueIsTheLowerMedian) {
  Record r = FullRecord();
  r.samples = {3};
  EXPECT_EQ(r.value(), 3);
  r.samples = {9, 1, 5};
  EXPECT_EQ(r.value(), 5);
  r.samples = {9, 1, 5, 2};
  EXPECT_EQ(r.value(), 2);
  EXPECT_EQ(r.samples, (std::vector<double>{9, 1, 5, 2}));
}

TEST(RecordCheck, AcceptsACompleteRecordUnchanged) {
  Record r = FullRecord();
  ASSERT_TRUE(NormalizeRecord(r).ok());
  ExpectSame(r, FullRecord());
}

TEST(RecordCheck, MakesForeignTextValidUtf8) {
  Record r = FullRecord();
  r.message = std::string("caf\xE9 \0 \xF0\x9F\x98\x80", 11);
  ASSERT_TRUE(NormalizeRecord(r).ok());
  EXPECT_EQ(r.message, "caf\uFFFD \uFFFD \U0001F600");
}

void ExpectRefused(const Record& record, const std::string& field) {
  Record copy = record;
  const absl::Status status = NormalizeRecord(copy);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(status.message()).rfind(field + ": ", 0), 0u) << status;
}

TEST(RecordCheck, NamesTheFieldThatIsWrong) {
  const auto with = [](auto change) {
    Record r = FullRecord();
    change(r);
    return r;
  };
  ExpectRefused(with([](Record& r) { r.workload = ""; }), "workload");
  ExpectRefused(with([](Record& r) { r.device = ""; }), "device");
  ExpectRefused(with([](Record& r) { r.unit = "ms"; }), "unit");
  ExpectRefused(with([](Record& r) { r.phase = ""; }), "phase");
  ExpectRefused(with([](Record& r) { r.config = "\xFF"; }), "config");
  ExpectRefused(with([](Record& r) { r.board = std::string("a\0b", 3); }), "board");
  ExpectRefused(with([](Record& r) { r.samples = {}; }), "samples");
  ExpectRefused(with([](Record& r) { r.samples = {1, NAN}; }), "samples");
  ExpectRefused(with([](Record& r) { r.samples = {INFINITY}; }), "samples");
  ExpectRefused(with([](Record& r) { r.samples = {-1}; }), "samples");
}

}  // namespace
}  // namespace halyard
