// The search as a person starts it: the real program, real compilers, a real log.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "logs/measurement_log.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string Program() { return std::getenv("HALYARD_TUNE_PROGRAM"); }

// Starts a command with its stdout in a file, to be signalled.
pid_t Start(const std::vector<std::string>& command, const std::string& out) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  freopen(out.c_str(), "w", stdout);
  freopen("/dev/null", "w", stderr);
  std::vector<char*> argv;
  for (const std::string& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

class SearchTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-search-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::vector<std::string> Command(const std::string& device, const std::string& log,
                                   std::vector<std::string> more) const {
    std::vector<std::string> argv = {Program(),       "--op",   "gemm",   "--shape",     "24x32x16",
                                     "--device",      device,   "--log",  folder_ / log, "--out",
                                     folder_ / "out", "--json", "--peer", "none"};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
  }

  json Tune(const std::string& device, const std::string& log,
            std::vector<std::string> more) const {
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(3);
    const ChildResult r = RunChild(Command(device, log, std::move(more)), "", limits);
    EXPECT_EQ(r.exit_code, 0) << r.err;
    return r.exit_code == 0 ? json::parse(r.out) : json();
  }

  std::vector<Record> Records(const std::string& log) const {
    const auto opened = OpenSqliteLog(folder_ / log, LogMode::kRead);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? (*opened)->Query({}).value() : std::vector<Record>{};
  }

  // Waits until the search has logged something that worked; on a busy machine that takes a while.
  bool WaitForAnIncumbent(const std::string& log) const {
    RecordFilter ok_only;
    ok_only.outcome = Outcome::kOk;
    for (int i = 0; i < 600; i++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      const auto opened = OpenSqliteLog(folder_ / log, LogMode::kRead);
      if (!opened.ok()) continue;  // not there yet
      const auto records = (*opened)->Query(ok_only);
      if (records.ok() && !records->empty()) return true;
    }
    return false;
  }

  fs::path folder_;
};

TEST_F(SearchTest, HostEndsWithAnIncumbentNoSlowerThanTheBaselineAndALibrary) {
  const json r = Tune("host", "a.db", {"--trials", "24"});
  EXPECT_EQ(r["unit"], "ns");
  EXPECT_EQ(r["board_kind"], "physical");
  // On a machine that others use too a measurement may be too noisy to say a time; nothing else
  // goes wrong.
  EXPECT_EQ(r["trials"]["ok"].get<int>() + r["trials"]["unstable"].get<int>(), 24);
  EXPECT_LE(r["best"]["value"].get<double>(), 1.02 * r["baseline"]["value"].get<double>());
  EXPECT_TRUE(fs::exists(r["library"].get<std::string>()));
  EXPECT_TRUE(fs::exists(r["header"].get<std::string>()));
  // The better ones of each batch are looked at twice, and no other; what is far behind gets less.
  std::map<std::string, size_t> first;
  size_t again = 0;
  for (const Record& record : Records("a.db")) {
    if (record.outcome != Outcome::kOk || record.message == "interleaved final") continue;
    if (record.message == "interleaved") {
      EXPECT_EQ(first.count(record.config), 1u) << record.config;
      EXPECT_EQ(record.samples.size(), 3u);
      again++;
    } else {
      EXPECT_EQ(first.count(record.config), 0u) << record.config;
      EXPECT_LE(record.samples.size(), 2u);
      first[record.config] = record.samples.size();
    }
  }
  EXPECT_GE(again, 1u);
  EXPECT_LE(again, 6u) << "a quarter of batches of 16 and 8";
  // The record named is the one the log calls final.
  for (const Record& record : Records("a.db")) {
    if (record.id == r["best"]["record"]) {
      EXPECT_EQ(record.config, r["best"]["config"]);
      EXPECT_EQ(record.phase, "final");
    }
  }
}

TEST_F(SearchTest, SameSeedAndANewLogGiveTheSameVirtualCyclesForEveryTrial) {
  Tune("rpi4", "a.db", {"--trials", "24", "--seed", "7"});
  Tune("rpi4", "b.db", {"--trials", "24", "--seed", "7"});
  const std::vector<Record> a = Records("a.db"), b = Records("b.db");
  ASSERT_EQ(a.size(), b.size());
  ASSERT_EQ(a.size(), 24u);
  for (size_t i = 0; i < a.size(); i++) {
    EXPECT_EQ(a[i].config, b[i].config);
    EXPECT_EQ(a[i].outcome, b[i].outcome);
    EXPECT_EQ(a[i].samples, b[i].samples) << a[i].config;
    EXPECT_EQ(a[i].unit, "virtual_cycles");
  }
}

TEST_F(SearchTest, KilledTenTimesItMeasuresNothingTwiceAndEnds) {
  std::mt19937 rng(3);
  for (int i = 0; i < 10; i++) {
    const std::vector<std::string> command = Command("host", "k.db", {"--trials", "48"});
    const pid_t pid = Start(command, "/dev/null");
    std::this_thread::sleep_for(std::chrono::milliseconds(700 + rng() % 1800));
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  const json r = Tune("host", "k.db", {"--trials", "48"});
  std::map<std::string, int> screenings;
  size_t trials = 0;
  bool final_seen = false;
  for (const Record& record : Records("k.db")) {
    final_seen = final_seen || record.phase == "final";
    // The better ones of a batch and of the search are measured again, on purpose, and say so.
    if (record.message.starts_with("interleaved")) continue;
    EXPECT_EQ(screenings[record.config]++, 0) << "measured again: " << record.config;
    trials++;
  }
  EXPECT_TRUE(final_seen);
  EXPECT_EQ(trials, 48u);
  EXPECT_GT(r["best"]["value"].get<double>(), 0);
}

TEST_F(SearchTest, InterruptKeepsTheLogAndStillWritesTheLibrary) {
  const std::vector<std::string> command =
      Command("host", "i.db", {"--trials", "100000", "--stop-gain", "0"});
  const fs::path out = folder_ / "stdout";
  const pid_t pid = Start(command, out);
  EXPECT_TRUE(WaitForAnIncumbent("i.db"));
  kill(pid, SIGINT);
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::ifstream file(out);
  const json r = json::parse(file);
  EXPECT_EQ(r["stopped"], "interrupted");
  EXPECT_TRUE(fs::exists(r["library"].get<std::string>()));
}

}  // namespace
}  // namespace halyard
