#include "rpc_farm/agent/boards_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "rpc_farm/temporary_folder.h"

namespace halyard {
namespace {

class BoardsFile : public testing::Test {
 protected:
  absl::StatusOr<std::vector<BoardEntry>> Load(const std::string& text) {
    std::ofstream(Path()) << text;
    return LoadBoardsFile(Path());
  }
  // Of one board with these fields besides its name.
  std::string ErrorOf(const std::string& fields) {
    const auto boards = Load(R"({"boards": [{"name": "b", )" + fields + "}]}");
    EXPECT_FALSE(boards.ok()) << fields;
    const std::string message(boards.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    EXPECT_EQ(message.find(Path() + ": boards[0]."), 0u) << message;
    return message.substr(std::min(message.size(), Path().size() + 2));
  }
  std::string Path() const { return folder_.path() + "/boards.json"; }

  const TemporaryFolder folder_;
};

TEST_F(BoardsFile, ReadsWhatItsHeaderShows) {
  std::filesystem::copy(DataPath("devices/rpi4.json"), folder_.path() + "/my-board.json");
  std::filesystem::create_directory(folder_.path() + "/cores");
  std::filesystem::copy(DataPath("devices/cores"), folder_.path() + "/cores");
  {
    std::ifstream file(folder_.path() + "/my-board.json");
    auto json = nlohmann::json::parse(file);
    json["id"] = "my-board";
    std::ofstream(folder_.path() + "/my-board.json") << json;
  }
  const auto boards = Load(R"({"boards": [
    {"name": "pi-rack", "device": "rpi4", "board": "ssh:pi@pi4.lan", "tags": ["lab", "cooled"],
     "reset": "ssh pi@pi4.lan sudo reboot", "power": "./relay 3 cycle", "command_seconds": 90},
    {"name": "sim", "device": "cortex-m7", "board": "virtual", "count": 4},
    {"name": "desk", "device": "host", "hold": true},
    {"name": "own", "device": "./my-board.json", "board": "virtual"}]})");
  ASSERT_TRUE(boards.ok()) << boards.status();
  ASSERT_EQ(boards->size(), 7u);
  const BoardEntry& rack = boards->at(0);
  EXPECT_EQ(rack.name, "pi-rack");
  EXPECT_EQ(rack.device.board.ToText(), "ssh:pi@pi4.lan");
  EXPECT_EQ(rack.tags, (std::vector<std::string>{"lab", "cooled"}));
  EXPECT_EQ(rack.reset, "ssh pi@pi4.lan sudo reboot");
  EXPECT_EQ(rack.power, "./relay 3 cycle");
  EXPECT_EQ(rack.command_limit, std::chrono::seconds(90));
  EXPECT_FALSE(rack.hold);
  EXPECT_EQ(boards->at(1).name, "sim-1");
  EXPECT_EQ(boards->at(4).name, "sim-4");
  EXPECT_EQ(boards->at(4).device.board_kind(), BoardKind::kVirtual);
  EXPECT_TRUE(boards->at(5).hold);
  EXPECT_EQ(boards->at(5).command_limit, std::chrono::seconds(60));
  // Another process, in whatever folder, loads the same.
  const auto again = LoadDevice(boards->at(6).device.loaded_from);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->id, "my-board");
  EXPECT_EQ(again->board_kind(), BoardKind::kVirtual);
}

TEST_F(BoardsFile, SimulatedBoardsHaveAScriptAndTheDevicesVirtualBoard) {
  const auto boards = Load(R"({"boards": [
    {"name": "sim", "device": "rpi4", "board": "simulated", "count": 2,
     "simulation": {"seed": 3, "noise": 0.02}},
    {"name": "m7", "device": "cortex-m7", "board": "simulated"},
    {"name": "pi", "device": "rpi4", "board": "virtual"}]})");
  ASSERT_TRUE(boards.ok()) << boards.status();
  ASSERT_EQ(boards->size(), 4u);
  const BoardEntry& sim = boards->at(1);
  EXPECT_EQ(sim.name, "sim-2");
  EXPECT_EQ(sim.device.board_kind(), BoardKind::kSimulated);
  ASSERT_TRUE(sim.simulation.has_value());
  EXPECT_EQ(sim.simulation->script.noise, 0.02);
  EXPECT_EQ(sim.simulation->emulated.board_kind(), BoardKind::kVirtual);
  EXPECT_EQ(LoadDevice(sim.runs_on().loaded_from)->board_kind(), BoardKind::kVirtual);
  ASSERT_TRUE(boards->at(2).simulation.has_value());
  EXPECT_EQ(boards->at(2).simulation->script.pace, 1);
  EXPECT_FALSE(boards->at(3).simulation.has_value());
  EXPECT_EQ(&boards->at(3).runs_on(), &boards->at(3).device);
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "board": "simulated", "simulation": {"noise": 3})"),
            "boards[0].simulation.noise must be a number from 0 to 0.5");
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "board": "virtual", "simulation": {})"),
            R"(boards[0].simulation is of simulated boards: "board": "simulated")");
  EXPECT_NE(ErrorOf(R"("device": "host", "board": "simulated")").find("virtual_board is missing"),
            std::string::npos);
}

TEST_F(BoardsFile, ErrorsNameFileAndFieldAndWhatWouldBeRight) {
  EXPECT_EQ(ErrorOf(R"("tags": [])"), "boards[0].device is missing");
  EXPECT_EQ(ErrorOf(R"("device": 5)"), "boards[0].device must be a non-empty string");
  EXPECT_NE(ErrorOf(R"("device": "rpi9")").find("rpi4"), std::string::npos) << "lists those known";
  EXPECT_NE(ErrorOf(R"("device": "rpi4", "board": "usb:3")").find("ssh:[USER@]HOST"),
            std::string::npos);
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "reste": "true")"),
            "boards[0].reste is not a field of a boards file");
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "tags": "lab")"),
            "boards[0].tags must be a list of words");
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "tags": ["a", "b c"])").find("boards[0].tags[1] must be"),
            0u);
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "count": 0)"),
            "boards[0].count must be a positive integer");
  EXPECT_NE(ErrorOf(R"("device": "rpi4", "board": "virtual", "count": 100000)").find("at most"),
            std::string::npos);
  EXPECT_NE(ErrorOf(R"("device": "host", "count": 2)").find("virtual"), std::string::npos);
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "hold": 1)"), "boards[0].hold must be true or false");
  EXPECT_NE(ErrorOf(R"("device": "rpi4", "hold": true, "shared": true)").find("shared one"),
            std::string::npos);
  EXPECT_EQ(ErrorOf(R"("device": "rpi4", "reset": "")"),
            "boards[0].reset must be a non-empty string");
  EXPECT_NE(ErrorOf(R"("device": "rpi4", "command_seconds": 4000)").find("3600"),
            std::string::npos);
}

TEST_F(BoardsFile, NamesAreWordsAndOfOneBoardEach) {
  for (const char* name : {"", "a b", "-x", "../x", "a/b", "h\xc3\xa9llo"}) {
    EXPECT_FALSE(
        Load(R"({"boards": [{"name": ")" + std::string(name) + R"(", "device": "rpi4"}]})").ok())
        << name;
  }
  EXPECT_FALSE(
      Load(R"({"boards": [{"name": ")" + std::string(65, 'a') + R"(", "device": "rpi4"}]})").ok());
  const auto twice = Load(R"({"boards": [{"name": "a-1", "device": "rpi4"},
      {"name": "a", "device": "rpi4", "board": "virtual", "count": 1}]})");
  EXPECT_EQ(twice.status().message(), Path() + ": two boards have the name 'a-1'");
}

TEST_F(BoardsFile, AFileThatIsNoneIsSaidToBe) {
  EXPECT_EQ(Load("{").status().message(), Path() + ": is not JSON");
  EXPECT_EQ(Load("[]").status().message(), Path() + ": the file must be an object");
  EXPECT_EQ(Load("{}").status().message(), Path() + ": boards is missing");
  EXPECT_NE(Load(R"({"boards": []})").status().message().find("at least one"), std::string::npos);
  EXPECT_NE(Load(R"({"boards": [5]})").status().message().find("boards[0] must be an object"),
            std::string::npos);
  EXPECT_NE(Load(R"({"board": []})").status().message().find("boards is missing"),
            std::string::npos);
  EXPECT_TRUE(absl::IsNotFound(LoadBoardsFile(folder_.path() + "/none.json").status()));
  EXPECT_TRUE(absl::IsNotFound(LoadBoardsFile(folder_.path()).status()));
}

TEST_F(BoardsFile, AnErrorIsOneLineWhateverTheFileHolds) {
  EXPECT_EQ(ErrorOf(R"("device": "cortex-m7", "a\nb": 1)"),
            "boards[0].a b is not a field of a boards file");
}

}  // namespace
}  // namespace halyard
