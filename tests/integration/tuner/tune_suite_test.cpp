// tune suite as the night starts it: several workloads, one budget, killed and started again.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "logs/measurement_log.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kTrials = 64;

class TuneSuite : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-suite-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::ofstream(folder_ / "small.txt") << "# a small network\n"
                                            "gemm 24x32x16  # x12\n"
                                            "softmax 16x50  # x3\n"
                                            "gemm 8x24x8\n";
  }
  void TearDown() override { fs::remove_all(folder_); }

  ChildResult Suite(std::chrono::milliseconds deadline, std::vector<std::string> more = {}) const {
    std::vector<std::string> argv = {std::getenv("HALYARD_TUNE_PROGRAM"),
                                     "suite",
                                     folder_ / "small.txt",
                                     "--device",
                                     "rpi4",
                                     "--trials",
                                     std::to_string(kTrials),
                                     "--log",
                                     folder_ / "log.db",
                                     "--out",
                                     folder_ / "out"};
    argv.insert(argv.end(), more.begin(), more.end());
    ChildLimits limits;
    limits.deadline = deadline;
    return RunChild(argv, "", limits);
  }

  std::vector<Record> Records() const {
    if (!fs::exists(folder_ / "log.db")) return {};
    const auto opened = OpenSqliteLog(folder_ / "log.db", LogMode::kRead);
    return opened.ok() ? (*opened)->Query({}).value() : std::vector<Record>{};
  }

  fs::path folder_;
};

TEST_F(TuneSuite, KilledItGoesOnMeasuresNothingTwiceAndShipsAllTasks) {
  // The deadline kills outright. Later each time, so that some kill falls between trials.
  size_t before = 0;
  for (int kill = 0; kill < 20 && before < kTrials / 4; kill++) {
    Suite(std::chrono::milliseconds(2500 + 700 * kill));
    before = Records().size();
  }
  ASSERT_GT(before, 0u);
  ASSERT_LT(before, static_cast<size_t>(kTrials)) << "killed too late to say anything";

  const ChildResult r = Suite(std::chrono::minutes(4), {"--json"});
  ASSERT_EQ(r.exit_code, 0) << r.err;
  std::map<std::string, int> measured, tasks;
  for (const Record& record : Records()) {
    EXPECT_EQ(measured[record.workload + " " + record.config]++, 0) << record.config;
    tasks[record.workload]++;
  }
  EXPECT_EQ(measured.size(), static_cast<size_t>(kTrials));
  EXPECT_EQ(tasks.size(), 3u);

  const json suite = json::parse(r.out);
  EXPECT_EQ(suite["resumed"], before);
  EXPECT_EQ(suite["trials"], kTrials);
  EXPECT_EQ(suite["stopped"], "trial budget used");
  EXPECT_EQ(suite["unit"], "virtual_cycles");
  EXPECT_GT(suite["expected"]["gain"], 0);
  EXPECT_LE(suite["total_ms"]["best"], suite["total_ms"]["baseline"]);
  double share = 0, total_ms = 0;
  for (const json& task : suite["tasks"]) {
    share += task["share"].get<double>();
    total_ms += task["calls"].get<double>() * task["best"]["value"].get<double>() / 1.5e6;
    EXPECT_EQ(task["trials"]["ok"], tasks[task["workload"]]);
    EXPECT_LE(task["best"]["value"], task["baseline"]["value"]);
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_NEAR(total_ms, suite["total_ms"]["best"].get<double>(), 1e-9);

  std::ifstream file(suite["manifest"].get<std::string>());
  const std::string manifest((std::istreambuf_iterator<char>(file)), {});
  for (const auto& [workload, trials] : tasks) {
    EXPECT_NE(manifest.find(workload), std::string::npos) << workload;
  }
  EXPECT_TRUE(fs::exists(suite["library"].get<std::string>()));
}

TEST_F(TuneSuite, ATableWithinEightyColumnsAndPlainProgress) {
  std::ofstream(folder_ / "small.txt", std::ios::app)
      << "conv2d 1x8x8x16x16x3x3,stride=2,pad=1,packed=1  # x123\n";
  const ChildResult r = Suite(std::chrono::minutes(4));
  ASSERT_EQ(r.exit_code, 0) << r.err;
  EXPECT_EQ(r.err.find('\033'), std::string::npos) << "no terminal";
  std::istringstream lines(r.out);
  for (std::string line; std::getline(lines, line);) {
    // Paths are as given, however long.
    const bool path = line.find(folder_.string()) != std::string::npos;
    EXPECT_LE(line.size(), path ? 200u : 95u) << line;
    const bool table = line.find(" %") != std::string::npos || line.starts_with("  gemm");
    EXPECT_LE(line.size(), table ? 80u : 200u) << line;
  }
  for (const char* text : {"gemm 24x32x16", "softmax 16x50", "stride=2,pad=1,packed=1", "all calls",
                           "over the safe schedules", "stopped: trial budget used"}) {
    EXPECT_NE(r.out.find(text), std::string::npos) << text << "\n" << r.out;
  }
}

}  // namespace
}  // namespace halyard
