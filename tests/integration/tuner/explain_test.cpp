// Explaining as a person does: the real program, compilers and a virtual board, whose counts are
// the same in every run.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "logs/measurement_log.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class ExplainTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-explain-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    before_ = fs::current_path();
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  ChildResult Run(std::vector<std::string> args, const std::string& device = "rpi4") const {
    args.insert(args.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    args.insert(args.end(), {"--op", "softmax", "--shape", "64x300", "--device", device, "--log",
                             folder_ / "t.db"});
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(5);
    return RunChild(args, "", limits);
  }
  void Tune(const std::string& trials, const std::string& device = "rpi4") const {
    const ChildResult r =
        Run({"--trials", trials, "--peer", "none", "--out", folder_ / "out"}, device);
    ASSERT_EQ(r.exit_code, 0) << r.err;
  }
  json Explain(std::vector<std::string> more = {}, const std::string& device = "rpi4") const {
    more.insert(more.begin(), {"explain", "--json"});
    const ChildResult r = Run(more, device);
    EXPECT_EQ(r.exit_code, 0) << r.err;
    return r.exit_code == 0 ? json::parse(r.out) : json();
  }
  std::vector<Record> Records() const {
    return OpenSqliteLog(folder_ / "t.db", LogMode::kRead).value()->Query({}).value();
  }

  fs::path folder_, before_;
};

TEST_F(ExplainTest, TheBestOfALogIsExplainedTheSameInEveryRunAndNothingIsLogged) {
  Tune("24");
  const std::vector<Record> before = Records();
  const json first = Explain(), second = Explain();
  EXPECT_EQ(first, second);
  EXPECT_EQ(Records().size(), before.size());

  std::map<std::string, double> cycles;
  double best = HUGE_VAL;
  for (const Record& r : before) {
    cycles[r.config] = r.value();
    best = std::min(best, r.value());
  }
  EXPECT_EQ(first["unit"], "virtual_cycles");
  EXPECT_EQ(first["value"], best);
  const std::string config = first["config"];
  EXPECT_EQ(cycles.at(config), best);
  EXPECT_EQ(before.at(first["record"].get<size_t>() - 1).config, config);

  // Every change is measured or failed, and one that the search measured has the same cycles here.
  ASSERT_GT(first["ablations"].size(), 8u);
  int known = 0;
  for (const json& a : first["ablations"]) {
    EXPECT_NE(a["config"], config);
    EXPECT_NE(a["from"], a["to"]);
    ASSERT_EQ(a["outcome"], "ok") << a["message"];
    EXPECT_EQ(a["beside"], json::array({best}));
    const auto logged = cycles.find(a["config"].get<std::string>());
    if (logged == cycles.end()) continue;
    EXPECT_EQ(a["samples"], json::array({logged->second}));
    EXPECT_NE(a["verdict"], "faster");
    known++;
  }
  RecordProperty("changes_that_the_search_measured", known);

  double sum = 0;
  for (const json& f : first["model"]["features"]) sum += f["contribution"].get<double>();
  EXPECT_NEAR(
      sum,
      first["model"]["score"].get<double>() - first["model"]["background"]["score"].get<double>(),
      1e-4);
  EXPECT_EQ(first["model"]["background"]["measured"], true);

  // A change is worth the same seen from the other side.
  const json& change = first["ablations"][0];
  const json other = Explain({"--config", change["config"].get<std::string>()});
  EXPECT_TRUE(other["record"].is_null());
  EXPECT_EQ(other["value"], change["samples"][0]);

  const ChildResult text = Run({"explain"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  for (const char* part : {"VIRTUAL", "What a knob is worth", "What the cost model goes by",
                           "Place on the roofline", "t.db"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << text.out;
  }
  for (size_t begin = 0; begin < text.out.size();) {
    const size_t end = text.out.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << text.out.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST_F(ExplainTest, AConfigNeedsNoLog) {
  fs::current_path(folder_);
  ChildLimits limits;
  limits.deadline = std::chrono::minutes(5);
  const ChildResult r =
      RunChild({std::getenv("HALYARD_TUNE_PROGRAM"), "explain", "--op", "softmax", "--shape",
                "64x300", "--device", "rpi4", "--json", "--model", "none", "--config",
                "form=store,vec=4,partials=1,unroll=1,block=1,grain=1,parallel=yes"},
               "", limits);
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const json j = json::parse(r.out);
  EXPECT_TRUE(j["record"].is_null());
  EXPECT_TRUE(j["log"].is_null());
  EXPECT_TRUE(j["model"].is_null());
  EXPECT_GT(j["ablations"].size(), 8u);
  // The search's safe config is far from the best: something is faster, and said to be.
  int faster = 0;
  for (const json& a : j["ablations"]) faster += a["verdict"] == "faster" ? 1 : 0;
  EXPECT_GT(faster, 0);
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(ExplainTest, AnInterruptEndsItWithWhatIsKnown) {
  const std::string out = folder_ / "stdout", err = folder_ / "stderr";
  std::vector<std::string> command = {
      std::getenv("HALYARD_TUNE_PROGRAM"),
      "explain",
      "--op",
      "softmax",
      "--shape",
      "64x300",
      "--device",
      "rpi4",
      "--json",
      "--config",
      "form=store,vec=4,partials=1,unroll=1,block=1,grain=1,parallel=yes"};
  const pid_t pid = fork();
  if (pid == 0) {
    (void)!freopen(out.c_str(), "w", stdout);
    (void)!freopen(err.c_str(), "w", stderr);
    if (chdir(folder_.c_str()) != 0) _exit(126);
    std::vector<char*> argv;
    for (std::string& a : command) argv.push_back(a.data());
    argv.push_back(nullptr);
    execv(argv[0], argv.data());
    _exit(127);
  }
  // It says that it builds before it does, and has as much again to build and all to run then.
  const auto begin = std::chrono::steady_clock::now();
  while ((!fs::exists(err) || fs::file_size(err) == 0) &&
         std::chrono::steady_clock::now() - begin < std::chrono::minutes(3)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  kill(pid, SIGINT);
  int status = 0;
  waitpid(pid, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  std::ifstream file(out);
  const json j = json::parse(file);
  EXPECT_EQ(j["interrupted"], true);
  EXPECT_EQ(j["ablations"].back()["verdict"], "not_measured");
  EXPECT_GT(j["model"]["features"].size(), 5u);
}

// What the times are is the machine's affair, that there are as many as rounds is not.
TEST_F(ExplainTest, OnHostEveryChangeIsTimedInRounds) {
  Tune("8", "host");
  const json j = Explain({"--rounds", "6"}, "host");
  EXPECT_EQ(j["unit"], "ns");
  EXPECT_EQ(j["rounds"], 6);
  size_t timed = 0;
  for (const json& a : j["ablations"]) {
    ASSERT_EQ(a["outcome"], "ok") << a["message"];
    EXPECT_EQ(a["samples"].size(), 6u);
    EXPECT_EQ(a["beside"].size(), 6u);
    EXPECT_LE(a["ratio"]["low"], a["ratio"]["high"]);
    timed++;
  }
  EXPECT_GT(timed, 8u);
}

}  // namespace
}  // namespace halyard
