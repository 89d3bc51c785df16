// A search through a farm as a person starts one: tune farm up, tune --farm, tune farm status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "logs/measurement_log.h"
#include "rpc_farm/agent/process_tree.h"
#include "targets/child_process.h"
#include "tests/conformance/loopback_port.h"
#include "tests/conformance/scratch_folder.h"
#include "tests/integration/farm_agent/logged_process.h"
#include "tests/integration/tuner/farm_up.h"

namespace halyard {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class FarmSearch : public testing::Test {
 protected:
  ChildResult Tune(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(3);
    return RunChild(arguments, "", limits);
  }
  ChildResult Search(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"--op",     "gemm",
                                          "--shape",  "48x40x32",
                                          "--device", "rpi4",
                                          "--trials", "24",
                                          "--log",    folder_.Path(name + ".db"),
                                          "--out",    folder_.Path(name)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Tune(arguments);
  }
  // All that a record says but when it was made.
  std::vector<std::string> Records(const std::string& name) const {
    const auto log = OpenSqliteLog(folder_.Path(name + ".db"), LogMode::kRead);
    EXPECT_TRUE(log.ok()) << log.status();
    std::vector<std::string> texts;
    const auto records = (*log)->Query({});
    for (const Record& r : records.value()) {
      texts.push_back(json{r.id, r.workload, r.config, r.space_version, r.device, r.board, r.unit,
                           r.samples, std::string(OutcomeName(r.outcome)), r.message, r.phase,
                           r.checks, r.artifact_sha256, r.compiler, r.protocol, r.environment,
                           r.seed}
                          .dump());
    }
    return texts;
  }

  ScratchFolder folder_;
  FarmUp farm_;
};

TEST_F(FarmSearch, ThroughAFarmASearchHasTheSameRecords) {
  const ChildResult local = Search("local", {});
  ASSERT_EQ(local.exit_code, 0) << local.err;
  farm_.Start(R"({"boards": [{"name": "virtual-rpi4", "device": "rpi4", "board": "virtual"}]})");
  const ChildResult farm = Search("farm", {"--farm", farm_.address()});
  ASSERT_EQ(farm.exit_code, 0) << farm.err;
  const auto expected = Records("local");
  EXPECT_EQ(expected.size(), 24u);
  EXPECT_EQ(Records("farm"), expected);

  const ChildResult status = Tune({"farm", "status", "--farm", farm_.address(), "--json"});
  ASSERT_EQ(status.exit_code, 0) << status.err;
  const json told = json::parse(status.out);
  ASSERT_EQ(told["boards"].size(), 1u);
  EXPECT_EQ(told["boards"][0]["health"], "ready");
  EXPECT_GE(std::stoi(told["boards"][0]["done"].get<std::string>()), 24);
  EXPECT_EQ(told["waiting"].size(), 0u);
  EXPECT_EQ(told["sessions"], "0") << "the search has ended its session";
}

// Three boards finish in another order than they begin.
TEST_F(FarmSearch, OnSeveralBoardsTooASearchIsTheSame) {
  ASSERT_EQ(Search("local", {}).exit_code, 0);
  farm_.Start(R"({"boards": [{"name": "sim", "device": "rpi4", "board": "virtual", "count": 3}]})");
  const ChildResult farm = Search("farm", {"--farm", farm_.address()});
  ASSERT_EQ(farm.exit_code, 0) << farm.err;
  auto boardless = [&](const std::string& name) {
    std::vector<std::string> records;
    for (const std::string& text : Records(name)) {
      json record = json::parse(text);
      record[5] = "";
      records.push_back(record.dump());
    }
    return records;
  };
  EXPECT_EQ(boardless("farm"), boardless("local"));
}

TEST_F(FarmSearch, OnSimulatedBoardsASearchEndsWithRightAnswersAndSaysWhatItsTimesAre) {
  farm_.Start(R"({"boards": [{"name": "sim", "device": "rpi4", "board": "simulated", "count": 3,
                     "simulation": {"noise": 0.02, "speed_spread": 0.1, "pace": 0}}]})");
  const ChildResult search = Search("sim", {"--farm", farm_.address(), "--board", "simulated"});
  ASSERT_EQ(search.exit_code, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("the board was SIMULATED"));
  const auto log = OpenSqliteLog(folder_.Path("sim.db"), LogMode::kRead);
  ASSERT_TRUE(log.ok()) << log.status();
  const auto records = (*log)->Query({});
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_GE(records->size(), 24u);
  for (const Record& r : *records) {
    EXPECT_EQ(r.board_kind, BoardKind::kSimulated);
    EXPECT_EQ(r.unit, "ns");
    EXPECT_EQ(r.outcome, Outcome::kOk) << r.message;
    EXPECT_THAT(r.checks, HasSubstr("probe"));
    EXPECT_THAT(r.environment, HasSubstr("simulated (speed"));
  }
  const size_t at = search.out.find("manifest  ");
  ASSERT_NE(at, std::string::npos) << search.out;
  std::ifstream file(search.out.substr(at + 10, search.out.find('\n', at) - at - 10));
  EXPECT_EQ(json::parse(file)["board_kind"], "simulated");
  const ChildResult status = Tune({"farm", "status", "--farm", farm_.address()});
  EXPECT_THAT(status.out, HasSubstr("rpi4 simulated"));
}

TEST_F(FarmSearch, WhatAFarmDoesNotHaveIsSaid) {
  farm_.Start(R"({"boards": [{"name": "sim", "device": "rpi5", "board": "virtual"}]})");
  const ChildResult search = Search("farm", {"--farm", farm_.address()});
  EXPECT_EQ(search.exit_code, 2);
  EXPECT_EQ(search.err, "tune: the farm has no board of rpi4; it has rpi5\n");
  ASSERT_EQ(Tune({"farm", "drain", "sim", "--farm", farm_.address()}).exit_code, 0);
  EXPECT_THAT(Tune({"farm", "status", "--farm", farm_.address()}).out, HasSubstr("draining"));
  const ChildResult unknown = Tune({"farm", "release", "nobody", "--farm", farm_.address()});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_EQ(unknown.err, "tune: no board nobody\n");
  // A second farm at the same address is refused, and the first one does not notice.
  const ChildResult second = Tune({"farm", "up", "--listen", farm_.address(), "--state",
                                   folder_.Path("other"), "--device", "rpi4"});
  EXPECT_EQ(second.exit_code, 4);
  EXPECT_THAT(second.err, HasSubstr(farm_.address()));
  farm_.Stop();
  const ChildResult gone = Tune({"farm", "status", "--farm", farm_.address()});
  EXPECT_EQ(gone.exit_code, 4);
  EXPECT_THAT(gone.err, HasSubstr("no farm tracker answers at " + farm_.address()));
}

TEST_F(FarmSearch, AFarmWhoseCommandIsKilledEndsWithIt) {
  farm_.Start(R"({"boards": [{"name": "sim", "device": "rpi4", "board": "virtual"}]})");
  const std::vector<pid_t> below = DescendantsOf(farm_.pid());
  EXPECT_GE(below.size(), 3u) << "tracker, agent and board host";
  ASSERT_EQ(kill(farm_.pid(), SIGKILL), 0);
  ASSERT_EQ(waitpid(farm_.pid(), nullptr, 0), farm_.pid());
  farm_.Forget();
  const auto killed = std::chrono::steady_clock::now();
  const auto any_runs = [&] { return !StillRunning(below).empty(); };
  while (any_runs() && std::chrono::steady_clock::now() - killed < std::chrono::seconds(15)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_FALSE(any_runs());
  for (const pid_t pid : StillRunning(below)) kill(pid, SIGKILL);
  EXPECT_FALSE(ListensAt(farm_.port()));
  // In order: what they log last.
  EXPECT_THAT(farm_.Logged("agent.log"), HasSubstr("\"event\":\"left\""));
  EXPECT_THAT(farm_.Logged("tracker.log"), HasSubstr("\"event\":\"stopped\""));
}

}  // namespace
}  // namespace halyard
