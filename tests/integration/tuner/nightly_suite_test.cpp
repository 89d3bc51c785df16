// tune suite night.toml as the nights start it: over several devices, killed, again unchanged, and
// after something has changed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "logs/measurement_log.h"
#include "rpc_farm/sha256.h"
#include "targets/child_process.h"
#include "tests/integration/tuner/farm_up.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

// Of each task the first batch, however slow this machine is just now.
constexpr char kFirstBatches[] = "[suite]\nboard_minutes = 5\nstop_gain = 60\n";
constexpr char kBoardMinutes[] = "[suite]\nboard_minutes = 0.3\n";
constexpr char kTwoDevices[] = R"(
[[device]]
id = "rpi4"

[[device]]
id = "cortex-m7"

[[workloads]]
list = ["gemm 24x32x16  # x12", "softmax 16x50  # x3"]

[[workloads]]
list = ["gemm 8x24x8"]
devices = ["rpi4"]
)";
constexpr size_t kTasks = 5;

class NightlySuite : public testing::Test {
 protected:
  void Write(const std::string& text) const { std::ofstream(file_) << text; }
  ChildResult Suite(std::vector<std::string> more = {},
                    std::chrono::milliseconds deadline = std::chrono::minutes(8)) const {
    more.insert(more.begin(), {std::getenv("HALYARD_TUNE_PROGRAM"), "suite", file_});
    ChildLimits limits;
    limits.deadline = deadline;
    return RunChild(more, "", limits);
  }
  json Night() const {
    const ChildResult r = Suite({"--json"});
    EXPECT_EQ(r.exit_code, 0) << r.err;
    return r.exit_code == 0 ? json::parse(r.out) : json();
  }

  std::vector<Record> Records() const {
    if (!fs::exists(log_)) return {};
    const auto opened = OpenSqliteLog(log_, LogMode::kRead);
    return opened.ok() ? (*opened)->Query({}).value() : std::vector<Record>{};
  }
  // Of each config of a task how often it was screened: a shipped winner is measured again.
  std::map<std::string, int> Screened() const {
    std::map<std::string, int> times;
    for (const Record& r : Records()) {
      if (r.phase == "screening") times[r.device + " " + r.workload + " " + r.config]++;
    }
    return times;
  }
  std::string Library(const std::string& device) const {
    return Bytes(folder_.Path("out/" + device + "/manifest.json"));
  }
  static std::string Bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // The log and the libraries as they would be, had `set` been so when they were made.
  void Rewrite(const std::string& set, const std::string& where,
               const std::function<void(json&)>& change) const {
    sqlite3* log = nullptr;
    ASSERT_EQ(sqlite3_open(log_.c_str(), &log), SQLITE_OK);
    const std::string statement = "UPDATE records SET " + set + " WHERE " + where;
    EXPECT_EQ(sqlite3_exec(log, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(log);
    EXPECT_GT(sqlite3_changes(log), 0);
    sqlite3_close(log);
    for (const char* device : {"rpi4", "cortex-m7"}) {
      json manifest = json::parse(Library(device));
      for (json& v : manifest["variants"]) change(v);
      std::ofstream(folder_.Path("out/" + std::string(device) + "/manifest.json"))
          << manifest.dump(2);
    }
  }

  const ScratchFolder folder_;
  const std::string file_ = folder_.Path("night.toml"), log_ = folder_.Path("tuned.db");
};

TEST_F(NightlySuite, KilledFiveTimesItRepeatsNothingAndTheNextNightMeasuresWinnersOnly) {
  Write(std::string(kBoardMinutes) + kTwoDevices);
  size_t kills = 0;
  for (int at = 0; at < 5; at++) {
    const ChildResult r = Suite({}, std::chrono::milliseconds(3000 + 600 * at));
    kills += r.exit_code == 0 ? 0 : 1;
    if (r.exit_code == 0) break;
  }
  EXPECT_GE(kills, 2u);
  const std::map<std::string, int> before = Screened();
  ASSERT_FALSE(before.empty());
  ASSERT_TRUE(fs::exists(folder_.Path("tuned.db.night.night")));

  const ChildResult whole = Suite({"--json"});
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.err, HasSubstr("goes on with a suite that was stopped after"));
  EXPECT_FALSE(fs::exists(folder_.Path("tuned.db.night.night")));
  for (const auto& [config, times] : Screened()) EXPECT_EQ(times, 1) << config;
  const json night = json::parse(whole.out);
  ASSERT_EQ(night.at("devices").size(), 2u);
  EXPECT_LT(night.at("board_seconds"), 24) << "the budget is of the night, not of each run";
  for (const json& device : night.at("devices")) {
    EXPECT_TRUE(fs::exists(device.at("library").get<std::string>()));
    for (const json& task : device.at("tasks")) {
      EXPECT_LE(task.at("best").at("value"), task.at("baseline").at("value")) << task;
    }
  }

  const size_t records = Records().size();
  const std::string rpi4 = Library("rpi4"), m7 = Library("cortex-m7");
  const json again = Night();
  EXPECT_EQ(Records().size(), records + kTasks) << "a record of each winner";
  EXPECT_LT(again.at("seconds").get<double>(), 0.25 * night.at("seconds").get<double>());
  for (const json& device : again.at("devices")) {
    EXPECT_TRUE(device.at("library_kept").get<bool>());
    EXPECT_EQ(device.at("trials"), 0);
    for (const json& task : device.at("tasks")) EXPECT_EQ(task.at("shipped_winner"), "as shipped");
  }
  EXPECT_EQ(Library("rpi4"), rpi4);
  EXPECT_EQ(Library("cortex-m7"), m7);
  EXPECT_THAT(again.at("summary").get<std::string>(),
              HasSubstr("2 devices, 5 tasks: 5 tasks as ship"));
}

TEST_F(NightlySuite, AnotherSpaceOfOneOperatorIsAllThatIsTunedAgain) {
  Write(std::string(kFirstBatches) + kTwoDevices);
  Night();
  const auto softmax = [](const json& v) {
    return v["workload"].get<std::string>().starts_with("softmax");
  };
  Rewrite("space_version = space_version - 1", "workload LIKE 'softmax%'", [&](json& v) {
    if (softmax(v)) v["record"]["space_version"] = v["record"]["space_version"].get<int>() - 1;
  });
  const json night = Night();
  for (const json& device : night.at("devices")) {
    EXPECT_FALSE(device.at("library_kept").get<bool>());
    for (const json& task : device.at("tasks")) {
      const int trials = task.at("trials").value("ok", 0);
      EXPECT_EQ(trials > 0, softmax(task)) << task;
      EXPECT_TRUE(softmax(task) || task.at("shipped_winner") == "as shipped") << task;
    }
  }
}

TEST_F(NightlySuite, AnotherCompilerThatMovesNothingIsNoReasonToTune) {
  Write(std::string(kFirstBatches) + kTwoDevices);
  Night();
  Rewrite("compiler = 'an older one'", "device = 'rpi4'", [](json& v) {
    if (v["record"]["board"] == "virtual-rpi4") v["record"]["compiler"] = "an older one";
  });
  // And one of which the winner was then a tenth faster.
  const json night_before = json::parse(Library("rpi4"));
  json manifest = night_before;
  json& record = manifest["variants"][0]["record"];
  record["value"] = 0.9 * record["value"].get<double>();
  const std::string moved = manifest["variants"][0]["workload"];
  std::ofstream(folder_.Path("out/rpi4/manifest.json")) << manifest.dump(2);
  const json night = Night();
  for (const json& device : night.at("devices")) {
    for (const json& task : device.at("tasks")) {
      const bool tuned = task.at("trials").value("ok", 0) > 0;
      EXPECT_EQ(tuned, device.at("device") == "rpi4" && task.at("workload") == moved) << task;
    }
  }
  EXPECT_FALSE(night.at("devices").at(0).at("library_kept").get<bool>())
      << "it is built by this compiler";
  EXPECT_TRUE(night.at("devices").at(1).at("library_kept").get<bool>());
}

TEST_F(NightlySuite, VirtualBoardsAndAFarmOfSimulatedOnesInOneFile) {
  FarmUp farm;
  farm.Start(R"({"boards": [{"name": "sim", "device": "rpi5", "board": "simulated", "count": 3,
                 "simulation": {"noise": 0.005}}]})");
  Write(std::string(kFirstBatches) + kTwoDevices + R"(
[[device]]
id = "rpi5"
board = "simulated"
farm = ")" +
        farm.address() + "\"\n");
  const json night = Night();
  ASSERT_EQ(night.at("devices").size(), 3u);
  const json& simulated = night.at("devices").at(2);
  EXPECT_EQ(simulated.at("board_kind"), "simulated");
  EXPECT_EQ(simulated.at("tasks").size(), 2u);
  for (const json& device : night.at("devices")) {
    EXPECT_GT(device.at("trials"), 0);
    EXPECT_TRUE(fs::exists(device.at("library").get<std::string>())) << device;
    EXPECT_TRUE(device.at("lost").is_null());
  }
  std::map<std::string, int> boards;
  for (const Record& r : Records()) boards[r.board]++;
  EXPECT_GE(boards.size(), 5u) << "rpi4, cortex-m7 and three of the farm";
}

TEST_F(NightlySuite, TheExampleIsOne) {
  const ChildResult r = RunChild({std::getenv("HALYARD_TUNE_PROGRAM"), "suite",
                                  HALYARD_SOURCE_DIR "/examples/suite/night.toml", "--list"},
                                 "", {});
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("attention 12x128x64"));
  EXPECT_THAT(r.out, HasSubstr("gemm 8x64x64"));
}

TEST_F(NightlySuite, ABoardThatCannotBeReachedCostsItsDeviceOnly) {
  Write(std::string(kFirstBatches) + kTwoDevices +
        "[[device]]\nid = \"rpi5\"\nboard = \"ssh:nobody@127.0.0.1:1\"\n");
  const ChildResult r = Suite();
  EXPECT_EQ(r.exit_code, 4) << r.err;
  EXPECT_THAT(r.err, HasSubstr("tune: rpi5: "));
  EXPECT_THAT(r.err, HasSubstr("; the others go on"));
  EXPECT_TRUE(fs::exists(folder_.Path("out/rpi4/manifest.json")));
  EXPECT_TRUE(fs::exists(folder_.Path("out/cortex-m7/manifest.json")));
  EXPECT_FALSE(fs::exists(folder_.Path("out/rpi5")));
  const std::string paragraph = r.out.substr(r.out.rfind('\n', r.out.size() - 2) + 1);
  EXPECT_THAT(paragraph, HasSubstr("night.toml: rpi5 was lost: "));
  EXPECT_THAT(paragraph, HasSubstr(" board-minutes"));
}

}  // namespace
}  // namespace halyard
