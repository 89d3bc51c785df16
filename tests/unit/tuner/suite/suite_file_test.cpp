#include "tuner/suite/suite_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/time/time.h"
#include "tests/unit/logs/test_log.h"

namespace halyard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kWhole[] = R"(
[suite]
log = "logs/night.db"
out = "/srv/out"
sign = "key.pem"
board_minutes = 120
deadline = 06:30:00
time = "8h"
stop_gain = 0
strategy = "random"
model = "none"
seed = 7
gate = false

[[device]]
id = "rpi4"
board = "ssh:pi@rpi.lab"

[[device]]
id = "boards/mine.json"
farm = "farm.lab:7879"
farm_certificates = "certs"
farm_tags = "lab,fan"
farm_priority = -3

[[workloads]]
file = "net.onnx"
batch = 4
dims = { sequence = 128, heads = 12 }
priority = 2

[[workloads]]
list = ["gemm 8x8x8", "softmax 16x50  # x3"]
devices = ["rpi4"]
)";

class SuiteFileTest : public testing::Test {
 protected:
  absl::StatusOr<SuiteFile> Read(const std::string& text) {
    std::ofstream(path_) << text;
    return ReadSuiteFile(path_);
  }
  void ExpectRefused(const std::string& text, const std::string& why) {
    const auto file = Read(text);
    ASSERT_TRUE(absl::IsInvalidArgument(file.status())) << text << file.status();
    const std::string told(file.status().message());
    EXPECT_THAT(told, testing::StartsWith(path_ + ":"));
    EXPECT_THAT(told, HasSubstr(why)) << text;
    EXPECT_EQ(told.find('\n'), std::string::npos);
  }

  const TempFolder folder_;
  const std::string path_ = folder_.File("night.toml");
};

// Two tables that are good, behind what a test has in [suite].
std::string With(const std::string& suite) {
  return "[suite]\n" + suite +
         "\n[[device]]\nid = \"rpi4\"\n[[workloads]]\nlist = [\"gemm 8x8x8\"]\n";
}

TEST_F(SuiteFileTest, EverythingThatIsSaidIsRead) {
  const auto file = Read(kWhole);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->log, folder_.File("logs/night.db")) << "from the file's folder";
  EXPECT_EQ(file->out, "/srv/out");
  EXPECT_EQ(file->sign, folder_.File("key.pem"));
  EXPECT_EQ(file->board_minutes, 120);
  EXPECT_EQ(file->deadline, "06:30:00");
  EXPECT_EQ(file->time, "8h");
  EXPECT_EQ(file->stop_gain, 0);
  EXPECT_EQ(file->strategy, "random");
  EXPECT_EQ(file->model, "none");
  EXPECT_EQ(file->seed, 7u);
  EXPECT_FALSE(file->gate);
  ASSERT_EQ(file->devices.size(), 2u);
  EXPECT_EQ(file->devices[0].id, "rpi4");
  EXPECT_EQ(file->devices[0].board, "ssh:pi@rpi.lab");
  EXPECT_EQ(file->devices[1].id, folder_.File("boards/mine.json"));
  EXPECT_EQ(file->devices[1].farm, "farm.lab:7879");
  EXPECT_EQ(file->devices[1].farm_certificates, folder_.File("certs"));
  EXPECT_EQ(file->devices[1].farm_priority, -3);
  ASSERT_EQ(file->workloads.size(), 2u);
  EXPECT_EQ(file->workloads[0].file, folder_.File("net.onnx"));
  EXPECT_EQ(file->workloads[0].batch, 4);
  EXPECT_EQ(file->workloads[0].dims.at("heads"), 12);
  EXPECT_EQ(file->workloads[0].priority, 2);
  EXPECT_THAT(file->workloads[1].lines, ElementsAre("gemm 8x8x8", "softmax 16x50  # x3"));
  EXPECT_THAT(file->workloads[1].devices, ElementsAre("rpi4"));
  EXPECT_EQ(file->workloads[1].where, path_ + ":32");
}

TEST_F(SuiteFileTest, MuchMayBeLeftOut) {
  const auto file = Read(With(""));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->log, folder_.File("tuned.db"));
  EXPECT_EQ(file->out, folder_.File("out"));
  EXPECT_TRUE(file->gate);
  EXPECT_FALSE(file->board_minutes.has_value());
  EXPECT_TRUE(Read("[[device]]\nid = \"rpi4\"\n[[workloads]]\nfile = \"a.txt\"\n").ok());
}

TEST_F(SuiteFileTest, WhatIsWrongIsNamedByItsLine) {
  ExpectRefused("[suite\n", ":1: no TOML");
  ExpectRefused("devices = 3\n", ":1: devices is not known; give [suite], [[device]]");
  ExpectRefused(With("logs = \"a\""),
                ":2: logs is not known in [suite]; give one of board_minutes");
  ExpectRefused(With("log = 3"), ":2: log is not a file's name");
  ExpectRefused(With("board_minutes = 0"), ":2: board_minutes is not a number from 0.01 to");
  ExpectRefused(With("board_minutes = \"1\""), "board_minutes is not a number");
  ExpectRefused(With("stop_gain = 100"), "stop_gain is not a number from 0 to 99");
  ExpectRefused(With("deadline = 6"), "deadline is not a time");
  ExpectRefused(With("seed = -1"), "seed is not a whole number");
  ExpectRefused(With("gate = 1"), "gate is not true or false");
  ExpectRefused(With("") + "priority = 0\n", "priority is not a number from");
  ExpectRefused(With("") + "devices = [1]\n", "devices is not a list of texts");
  ExpectRefused(With("") + "dims = { a = 0 }\n", "a is not a whole number from 1");
  ExpectRefused(With("") + "dims = 3\n", "dims is not { NAME = N }");
  ExpectRefused(With("") + "batch = 1.5\n", "batch is not a whole number from 1");
  ExpectRefused(With("") + "file = \"a\"\n", "workloads are a file or a list");
  ExpectRefused("suite = 3\n", "suite is something else");
  ExpectRefused("[device]\nid = \"rpi4\"\n", "device is something else; give each as [[device]]");
  ExpectRefused("[[workloads]]\nfile = \"a\"\n", "there is no device");
  ExpectRefused("[[device]]\nid = \"rpi4\"\n", "there is no workloads");
  ExpectRefused("[[device]]\nboard = \"local\"\n[[workloads]]\nfile = \"a\"\n",
                ":1: a device without id");
}

TEST_F(SuiteFileTest, AFileThatIsNoneIsTold) {
  EXPECT_TRUE(absl::IsNotFound(ReadSuiteFile(folder_.File("none.toml")).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadSuiteFile(folder_.File("")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Read(std::string(2 << 20, '#')).status()));
}

TEST(Deadline, IsTheNextMomentOfThatName) {
  const absl::TimeZone zone = absl::LocalTimeZone();
  const auto now =
      absl::ToChronoTime(absl::FromCivil(absl::CivilMinute(2026, 11, 30, 22, 0), zone));
  const auto at = [&](const std::string& text) {
    const auto deadline = DeadlineFrom(text, now);
    EXPECT_TRUE(deadline.ok()) << deadline.status();
    return deadline.ok() ? absl::ToCivilMinute(absl::FromChrono(*deadline), zone)
                         : absl::CivilMinute();
  };
  EXPECT_EQ(at("06:30"), absl::CivilMinute(2026, 12, 1, 6, 30));
  EXPECT_EQ(at("22:00:00"), absl::CivilMinute(2026, 12, 1, 22, 0)) << "now is not next";
  EXPECT_EQ(at("23:59"), absl::CivilMinute(2026, 11, 30, 23, 59));
  EXPECT_EQ(absl::ToUnixSeconds(absl::FromChrono(*DeadlineFrom("2030-01-01T00:00:00Z", now))),
            1893456000);
  for (const char* bad : {"24:00", "6", "soon", "", "06:3x", "2020-01-01T00:00:00Z", "-1:00"}) {
    const auto deadline = DeadlineFrom(bad, now);
    EXPECT_TRUE(absl::IsInvalidArgument(deadline.status())) << bad;
    EXPECT_THAT(std::string(deadline.status().message()), HasSubstr("give a time such as 06:30"));
  }
}

}  // namespace
}  // namespace halyard
