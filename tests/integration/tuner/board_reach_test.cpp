// Tuning a board behind ssh, and what the doctor says of set-ups that are broken. The board is this
// machine behind a real sshd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "logs/measurement_log.h"
#include "targets/child_process.h"
#include "tests/conformance/ssh_server.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class BoardReach : public testing::Test {
 protected:
  ChildResult Tune(std::vector<std::string> args) const {
    args.insert(args.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    ChildLimits limits;
    limits.deadline = std::chrono::seconds(120);
    return RunChild(args, "", limits);
  }
  ChildResult Doctor(const std::vector<std::string>& args) const {
    std::vector<std::string> all = {"doctor"};
    all.insert(all.end(), args.begin(), args.end());
    return Tune(all);
  }
  std::vector<std::string> SmallSearch(const std::string& device, const std::string& board) const {
    return {"--op",
            "gemm",
            "--shape",
            "24x24x24",
            "--device",
            device,
            "--board",
            board,
            "--trials",
            "3",
            "--json",
            "--peer",
            "none",
            "--out",
            folder_.Path("out"),
            "--log",
            folder_.Path("log.db")};
  }
  // A step that failed, exit code 4, and nothing written.
  void ExpectFailure(const ChildResult& r, const std::string& line) const {
    EXPECT_EQ(r.exit_code, 4) << r.out << r.err;
    EXPECT_THAT(r.out + r.err, HasSubstr(line));
    EXPECT_FALSE(fs::exists(folder_.Path("log.db")));
    EXPECT_FALSE(fs::exists(folder_.Path("out")));
  }

  ScratchFolder folder_;
};

class WithEnvironment {
 public:
  WithEnvironment(const char* name, const std::string& value) : name_(name) {
    const char* before = std::getenv(name);
    if (before != nullptr) before_ = before;
    setenv(name, value.c_str(), 1);
  }
  ~WithEnvironment() {
    if (before_) {
      setenv(name_, before_->c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }
  WithEnvironment(const WithEnvironment&) = delete;
  WithEnvironment& operator=(const WithEnvironment&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(BoardReach, ASearchOverSshMeasuresAPhysicalBoard) {
  SshServer server;
  const ChildResult r = Tune(SmallSearch("host", server.address()));
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const auto json = nlohmann::json::parse(r.out);
  EXPECT_EQ(json["board_kind"], "physical");
  EXPECT_EQ(json["unit"], "ns");
  EXPECT_GE(json["trials"]["ok"], 1);
  const auto log = OpenSqliteLog(folder_.Path("log.db"), LogMode::kRead);
  ASSERT_TRUE(log.ok()) << log.status();
  const auto records = (*log)->Query({});
  ASSERT_TRUE(records.ok()) << records.status();
  for (const Record& record : *records) {
    EXPECT_EQ(record.board, "127.0.0.1");
    EXPECT_THAT(record.environment, HasSubstr("kernel "));
  }
  // Of all that went there only the runner stays.
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(server.board_folder())) {
    left.push_back(entry.path().filename());
  }
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(left[0].starts_with("runner-"));
}

TEST_F(BoardReach, TheDoctorFindsAWellBoardWell) {
  SshServer server;
  const ChildResult r = Doctor({"--device", "host", "--board", server.address()});
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
  for (const char* step : {"board", "architecture", "cpu features", "memory", "disk", "cores",
                           "clock", "governor", "throttling", "compile", "run", "noise"}) {
    EXPECT_THAT(r.out, HasSubstr(std::string(" ") + step + ": "));
  }
}

TEST_F(BoardReach, TheDoctorOfAVirtualBoard) {
  const ChildResult r = Doctor({"--device", "rpi4", "--json"});
  EXPECT_EQ(r.exit_code, 0) << r.out << r.err;
  const auto json = nlohmann::json::parse(r.out);
  EXPECT_EQ(json["verdict"], "ok");
  EXPECT_EQ(json["board_kind"], "virtual");
  std::vector<std::string> names;
  for (const auto& step : json["steps"]) names.push_back(step["name"]);
  EXPECT_THAT(names, testing::ElementsAre("board", "compile", "run", "noise"));
  EXPECT_EQ(json["steps"][3]["found"], "counts repeat exactly");
}

TEST_F(BoardReach, WithoutQemu) {
  const WithEnvironment path("PATH", folder_.Path("empty"));
  ExpectFailure(Doctor({"--device", "rpi4"}), "failed   board: qemu-aarch64 does not run");
  ExpectFailure(Tune(SmallSearch("rpi4", "virtual")), "install the package qemu-user");
}

TEST_F(BoardReach, WithoutALinker) {
  // Everything that a local run needs but ld.lld-14.
  const WithEnvironment path("PATH", folder_.Path("empty"));
  ExpectFailure(Doctor({"--device", "host"}), "failed   compile: ld.lld-14 could not be started");
  ExpectFailure(Tune(SmallSearch("host", "local")), "compile: ld.lld-14 could not be started");
}

TEST_F(BoardReach, WithoutTheRunner) {
  fs::create_directories(folder_.Path("data"));
  fs::copy(std::string(HALYARD_DATA_DIR) + "/devices", folder_.Path("data/devices"));
  const WithEnvironment data("HALYARD_DATA_DIR", folder_.Path("data"));
  ExpectFailure(Doctor({"--device", "host"}), "build the target halyard_board_files");
}

TEST_F(BoardReach, ABoardOfAnotherArchitecture) {
  SshServer server;
  ExpectFailure(Doctor({"--device", "rpi4", "--board", server.address()}),
                "the device file says triplet aarch64-linux-gnu: name another --device");
}

TEST_F(BoardReach, ABoardWhoseCpuHasLessThanTheDeviceFileSays) {
  std::ofstream(folder_.Path("newer.json"))
      << R"({"inherits": "host", "id": "newer", "detect": false,
             "halide_target": "x86-64-linux-sse41-avx-avx2-fma-f16c-avx512-avx512_knl",
             "triplet": "x86_64-linux-gnu", "cpu": "Knights Landing", "cores": 1,
             "vector_bytes": 64, "vector_registers": 32, "clock_ghz": 1, "copy_gb_per_s": 1,
             "memory_bytes": 1000000000,
             "caches": [{"bytes": 32768, "line_bytes": 64, "shared_by_cores": 1}]})";
  const std::string device = folder_.Path("newer.json");
  ExpectFailure(Doctor({"--device", device}), "failed   cpu features: ");
  ExpectFailure(Tune(SmallSearch(device, "local")),
                "assumes avx512pf avx512er, which the board's CPU has not");
}

TEST_F(BoardReach, ABoardThatRefuses) {
  SshServer server;
  server.Stop();
  ExpectFailure(Doctor({"--device", "host", "--board", server.address()}),
                "refuses the connection: start its SSH server");
  ExpectFailure(Tune(SmallSearch("host", server.address())), "refuses the connection");
}

TEST_F(BoardReach, WrongFlags) {
  for (const std::vector<std::string>& args :
       std::vector<std::vector<std::string>>{{"doctor"},
                                             {"doctor", "--device", "toaster"},
                                             {"doctor", "--device", "host", "--board", "telnet:pi"},
                                             {"doctor", "--device", "host", "--board", "virtual"},
                                             {"doctor", "--device", "host", "--frob"}}) {
    const ChildResult r = Tune(args);
    EXPECT_EQ(r.exit_code, 2) << testing::PrintToString(args) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    EXPECT_EQ(r.out, "");
  }
  EXPECT_THAT(Tune({"doctor", "--device", "host", "--board", "telnet:pi"}).err,
              HasSubstr("--board 'telnet:pi' is not where a board is reached: give"));
}

}  // namespace
}  // namespace halyard
