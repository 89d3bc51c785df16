// A board of one's own: one file that inherits from a listed device, through every command.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "targets/child_process.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

class OwnDevice : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "halyard-own-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    before_ = fs::current_path();
    fs::current_path(folder_);
    WriteBoard(1.8);
  }
  void TearDown() override {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }

  static void WriteBoard(double clock_ghz) {
    std::ofstream("my-board.json")
        << json{{"inherits", "rpi4"}, {"id", "my-board"}, {"clock_ghz", clock_ghz}}.dump();
  }
  static ChildResult Run(std::vector<std::string> args) {
    args.insert(args.begin(), std::getenv("HALYARD_TUNE_PROGRAM"));
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(3);
    return RunChild(args, "", limits);
  }
  static std::string Output(const std::vector<std::string>& args) {
    const ChildResult r = Run(args);
    EXPECT_EQ(r.exit_code, 0) << testing::PrintToString(args) << r.err;
    return r.out;
  }
  static std::vector<std::string> Softmax(std::vector<std::string> more) {
    std::vector<std::string> args = {"--op",     "softmax",         "--shape",  "64x300",
                                     "--device", "./my-board.json", "--trials", "8"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  fs::path folder_, before_;
};

TEST_F(OwnDevice, GoesThroughEveryCommand) {
  const json tuned = json::parse(Output(Softmax({"--json"})));
  EXPECT_EQ(tuned["device"], "my-board");
  EXPECT_EQ(tuned["trials"]["ok"], 8);
  EXPECT_EQ(tuned["library"], "out/my-board/libtuned_my_board.a");
  EXPECT_TRUE(fs::exists("out/my-board/tuned_my_board.h"));
  // The same command again finds its trials.
  EXPECT_EQ(json::parse(Output(Softmax({"--json"})))["resumed"], 8);

  EXPECT_THAT(Output({"package", "--device", "./my-board.json", "--out", "again"}),
              HasSubstr("again/my-board/libtuned_my_board.a"));
  std::ifstream manifest("again/my-board/manifest.json");
  EXPECT_EQ(json::parse(manifest)["device"]["id"], "my-board");
  EXPECT_THAT(Output({"log", "best"}), HasSubstr("softmax:64x300:f32  my-board  "));
  EXPECT_THAT(Output({"log", "stats"}), HasSubstr("softmax:64x300:f32@my-board"));
  EXPECT_THAT(Output({"devices", "show", "./my-board.json"}), HasSubstr("4 cores at 1.8 GHz"));
  EXPECT_THAT(
      Output({"explain", "--op", "softmax", "--shape", "64x300", "--device", "./my-board.json"}),
      HasSubstr("softmax:64x300:f32 on my-board"));
  std::ofstream("list.txt") << "softmax 64x300\n";
  const json suite = json::parse(
      Output({"suite", "list.txt", "--device", "./my-board.json", "--trials", "8", "--json"}));
  EXPECT_EQ(suite["device"], "my-board");
}

// Records of the board as it was are not taken for records of what it is now, and stay in the log.
TEST_F(OwnDevice, AnotherClockIsOtherHardware) {
  Output(Softmax({"--json"}));
  WriteBoard(1.2);
  const ChildResult package = Run({"package", "--device", "./my-board.json"});
  EXPECT_EQ(package.exit_code, 2);
  EXPECT_THAT(package.err, HasSubstr("no schedule for --device my-board"));
  EXPECT_THAT(package.err, HasSubstr("8 records of my-board are left out: they are of other "
                                     "hardware (clock_ghz 1.8, now 1.2; virtual_board)"));
  const ChildResult tuned = Run(Softmax({"--json"}));
  ASSERT_EQ(tuned.exit_code, 0) << tuned.err;
  EXPECT_THAT(tuned.err, HasSubstr("other hardware (clock_ghz 1.8, now 1.2; virtual_board)"));
  EXPECT_EQ(json::parse(tuned.out)["resumed"], 0);
  const std::string best = Output({"log", "best"});
  EXPECT_THAT(best, HasSubstr("my-board (clock_ghz 1.8, now 1.2)  "));
  EXPECT_THAT(best, HasSubstr("  my-board  "));
  WriteBoard(1.8);
  EXPECT_EQ(json::parse(Output(Softmax({"--json"})))["resumed"], 8);
}

}  // namespace
}  // namespace halyard
