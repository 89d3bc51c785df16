#include "logs/recorded_space.h"

#include "tests/unit/logs/recorded_tasks.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

std::string Told(const absl::Status& status) {
  const std::string message(status.message());
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  return message;
}

void ExpectRefused(const std::string& bytes, const std::string& why) {
  const auto parsed = ParseRecordedSpace(bytes, "some.space");
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(Told(parsed.status()).find("'some.space'"), std::string::npos);
  EXPECT_NE(Told(parsed.status()).find(why), std::string::npos) << parsed.status();
}

void ExpectUnbound(const RecordedSpace& space, const std::string& why) {
  const auto bound = BindRecordedSpace(space, "some.space");
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(bound.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(Told(bound.status()).find(why), std::string::npos) << bound.status();
}

TEST(RecordedSpace, ComesBackAsItWasWritten) {
  TempFolder folder;
  const RecordedSpace space = SyntheticSpace();
  ASSERT_GT(space.results.size(), 500u);
  ASSERT_TRUE(WriteRecordedSpace(space, folder.File("a.space")).ok());
  EXPECT_EQ(folder.Names(), std::vector<std::string>{"a.space"});
  const auto read = ReadRecordedSpace(folder.File("a.space"));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->workload, space.workload);
  EXPECT_EQ(read->unit, space.unit);
  EXPECT_EQ(read->space_version, space.space_version);
  EXPECT_EQ(read->knobs, space.knobs);
  EXPECT_EQ(read->protocol, space.protocol);
  EXPECT_EQ(read->compiler, space.compiler);
  EXPECT_EQ(read->environment, space.environment);
  EXPECT_EQ(read->provenance, space.provenance);
  EXPECT_EQ(read->valid_crc32, space.valid_crc32);
  EXPECT_EQ(read->results, space.results);
  EXPECT_EQ(SerializeRecordedSpace(*read), SerializeRecordedSpace(space));
}

TEST(RecordedSpace, TakesAFewBytesAConfig) {
  const RecordedSpace space = SyntheticSpace();
  EXPECT_LT(SerializeRecordedSpace(space).size(), 2000 + 5 * space.results.size());
}

TEST(RecordedSpace, BindsToTheSpaceOfTheDeviceItWasRecordedOn) {
  const RecordedSpace space = SyntheticSpace();
  const auto bound = BindRecordedSpace(space, "folder/some.space");
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->name, "some");
  EXPECT_EQ(bound->task.device.caches[1].bytes, 1 << 20);
  double best = 1e30, worst = 0;
  for (size_t i = 0; i < bound->valid.size(); i++) {
    const Config c = bound->task.space.config_at(bound->valid[i]);
    EXPECT_EQ(bound->at(c), space.results[i]);
    if (space.results[i].outcome != Outcome::kOk) continue;
    best = std::min<double>(best, space.results[i].value);
    worst = std::max<double>(worst, space.results[i].value);
  }
  EXPECT_EQ(bound->best, best);
  EXPECT_EQ(bound->worst, worst);
}

TEST(RecordedSpace, CutShortAnywhereItIsRefused) {
  const std::string bytes = SerializeRecordedSpace(SyntheticSpace());
  for (size_t size = 0; size < bytes.size(); size++) {
    ASSERT_FALSE(ParseRecordedSpace(bytes.substr(0, size), "cut").ok()) << size << " bytes";
  }
  ExpectRefused("", "is not a recorded space");
  ExpectRefused(bytes.substr(0, bytes.size() - 1), "damaged or cut short");
  ExpectRefused(bytes.substr(0, bytes.size() / 2), "damaged or cut short");
  ExpectRefused(bytes + "x", "damaged or cut short");
}

TEST(RecordedSpace, AnyFlippedBitIsNoticed) {
  const std::string bytes = SerializeRecordedSpace(SyntheticSpace());
  for (size_t at = 0; at < bytes.size(); at++) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    ASSERT_FALSE(ParseRecordedSpace(flipped, "flipped").ok()) << "byte " << at;
  }
}

TEST(RecordedSpace, AnotherFormatIsRefused) {
  std::string newer = SerializeRecordedSpace(SyntheticSpace());
  newer.replace(newer.find(" 1\n"), 3, " 2\n");
  ExpectRefused(newer, "of format '2', and this program reads 1");
  ExpectRefused("SQLite format 3", "is not a recorded space");
}

TEST(RecordedSpace, AnotherSpaceIsRefused) {
  RecordedSpace space = SyntheticSpace();
  space.space_version++;
  ExpectUnbound(space, "version 2 of its space, which is 1 now");

  space = SyntheticSpace();
  space.knobs[1].knob = "width";
  ExpectUnbound(space, "no knob named 'width'");

  space = SyntheticSpace();
  space.knobs[1].values.back() = "1024";
  ExpectUnbound(space, "has no value '1024'");

  // A knob that the space had not when it was recorded.
  space = SyntheticSpace();
  space.knobs.pop_back();
  ExpectUnbound(space, "its knobs have changed");

  space = SyntheticSpace();
  std::swap(space.knobs[1], space.knobs[2]);
  ExpectUnbound(space, "its knobs have changed");

  // Rules of another code: as many configs are valid, but others.
  space = SyntheticSpace();
  space.valid_crc32 ^= 1;
  ExpectUnbound(space, "configs are valid now");

  space = SyntheticSpace();
  space.results.pop_back();
  ExpectUnbound(space, "configs are valid now");

  space = SyntheticSpace();
  space.workload = "fft:8:f32";
  ExpectUnbound(space, "fft");

  space = SyntheticSpace();
  for (RecordedResult& r : space.results) r = {Outcome::kCrash, 0};
  ExpectUnbound(space, "no config that ran");
}

TEST(RecordedSpace, MissingFilesAndFoldersAreNamed) {
  const auto missing = ReadRecordedSpace("no/such.space");
  EXPECT_EQ(missing.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(Told(missing.status()).find("no/such.space"), std::string::npos);
  const auto unwritten = WriteRecordedSpace(SyntheticSpace(), "no/such/folder/a.space");
  EXPECT_NE(Told(unwritten).find("no/such/folder/a.space"), std::string::npos);
}

}  // namespace
}  // namespace halyard
