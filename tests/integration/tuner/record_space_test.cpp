// Recording and replaying as a person does: the real program, compilers and a virtual board, whose
// counts are the same in every run.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "logs/measurement_log.h"
#include "logs/recorded_space.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class RecordSpaceTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-record-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string File(const std::string& name) const { return folder_ / name; }

  std::vector<std::string> Recording(const std::string& out, int configs = 40,
                                     const std::string& device = "rpi4") const {
    return {std::getenv("HALYARD_TUNE_PROGRAM"),
            "record",
            "--op",
            "softmax",
            "--shape",
            "24x40",
            "--device",
            device,
            "--configs",
            std::to_string(configs),
            "--out",
            File(out)};
  }

  static ChildResult Run(const std::vector<std::string>& command) {
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(8);
    return RunChild(command, "", limits);
  }

  std::vector<Record> Records(const std::string& log) const {
    if (!fs::exists(File(log))) return {};
    const auto opened = OpenSqliteLog(File(log), LogMode::kRead);
    return opened.ok() ? (*opened)->Query({}).value() : std::vector<Record>{};
  }

  // Starts a recording and kills it once it has logged something new.
  void KillAfterSomeTrials(const std::string& out) const {
    const size_t before = Records(out + ".db").size();
    const pid_t pid = fork();
    if (pid == 0) {
      (void)!freopen("/dev/null", "w", stderr);
      std::vector<std::string> command = Recording(out);
      std::vector<char*> argv;
      for (std::string& a : command) argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    const auto begin = std::chrono::steady_clock::now();
    while (Records(out + ".db").size() < before + 3 &&
           std::chrono::steady_clock::now() - begin < std::chrono::minutes(4)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the recording ended by itself: " << status;
  }

  fs::path folder_;
};

TEST_F(RecordSpaceTest, KilledTwiceItMeasuresNothingTwiceAndEndsAsIfItHadNotBeen) {
  const ChildResult whole = Run(Recording("whole.space"));
  ASSERT_EQ(whole.exit_code, 0) << whole.err;
  for (int i = 0; i < 2; i++) KillAfterSomeTrials("killed.space");
  EXPECT_FALSE(fs::exists(File("killed.space")));
  const size_t before = Records("killed.space.db").size();
  EXPECT_GE(before, 6u);
  const ChildResult rest = Run(Recording("killed.space"));
  ASSERT_EQ(rest.exit_code, 0) << rest.err;

  std::map<std::string, int> times;
  const std::vector<Record> records = Records("killed.space.db");
  for (const Record& r : records) EXPECT_EQ(times[r.config]++, 0) << r.config;
  const auto a = ReadRecordedSpace(File("whole.space")),
             b = ReadRecordedSpace(File("killed.space"));
  ASSERT_TRUE(a.ok() && b.ok()) << a.status() << b.status();
  EXPECT_EQ(a->results.size(), records.size());
  EXPECT_GT(records.size(), before);
  EXPECT_EQ(a->knobs, b->knobs);
  EXPECT_EQ(a->results, b->results);
  EXPECT_EQ(a->unit, "virtual_cycles");
  for (const RecordedResult& r : a->results) EXPECT_EQ(r.outcome, Outcome::kOk);

  // A log of the task leads the choice to its best config.
  std::vector<std::string> from = Recording("from.space", 20);
  from.insert(from.end(), {"--from", File("whole.space.db"), "--seed", "7"});
  const ChildResult led = Run(from);
  ASSERT_EQ(led.exit_code, 0) << led.err;
  const auto whole_bound = BindRecordedSpace(*a, "a"),
             led_bound = BindRecordedSpace(ReadRecordedSpace(File("from.space")).value(), "b");
  ASSERT_TRUE(whole_bound.ok() && led_bound.ok());
  EXPECT_LE(led_bound->best, whole_bound->best);

  // And what was recorded can be replayed: the same in every run, in both forms.
  const std::vector<std::string> replay = {std::getenv("HALYARD_TUNE_PROGRAM"),
                                           "replay",
                                           File("whole.space"),
                                           File("from.space"),
                                           "--seeds",
                                           "3",
                                           "--trials",
                                           "24"};
  std::vector<std::string> as_json = replay;
  as_json.push_back("--json");
  const ChildResult text = Run(replay), object = Run(as_json);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  EXPECT_NE(text.out.find("median over 2 spaces"), std::string::npos) << text.out;
  EXPECT_EQ(Run(replay).out, text.out);
  const json j = json::parse(object.out);
  EXPECT_EQ(j["spaces"].size(), 2u);
  EXPECT_EQ(j["spaces"][0]["strategies"].size(), 5u);
  EXPECT_FLOAT_EQ(j["spaces"][0]["best"].get<float>(), static_cast<float>(whole_bound->best));
}

// One time of each would call the luckiest the best.
TEST_F(RecordSpaceTest, TheBestTimesAreMediansOfThree) {
  const ChildResult recorded = Run(Recording("timed.space", 90, "host"));
  ASSERT_EQ(recorded.exit_code, 0) << recorded.err;
  std::map<std::string, std::vector<double>> times;
  for (const Record& r : Records("timed.space.db")) {
    if (r.outcome == Outcome::kOk) times[r.config].push_back(r.value());
  }
  const auto bound = BindRecordedSpace(ReadRecordedSpace(File("timed.space")).value(), "a");
  ASSERT_TRUE(bound.ok()) << bound.status();
  size_t thrice = 0;
  for (auto& [text, of_config] : times) {
    if (of_config.size() == 3) thrice++;
    // A few may have failed when they were timed again.
    std::sort(of_config.begin(), of_config.end());
    const Config config = bound->task.space.Parse(text).value();
    EXPECT_FLOAT_EQ(bound->at(config).value, static_cast<float>(of_config[of_config.size() / 2]));
  }
  EXPECT_GT(times.size(), 64u);
  EXPECT_GE(thrice, 50u);
  EXPECT_LE(thrice, 64u);
}

}  // namespace
}  // namespace halyard
