#include "rpc_farm/agent/boards_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <utility>

#include "targets/device_check.h"
#include "targets/json_fields.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr char kKind[] = "a boards file";
constexpr size_t kLongestName = 64;
constexpr char kNameRule[] =
    "must be at most 64 letters, digits, '-', '_' and '.', the first a letter or digit";

bool IsName(const std::string& text) { return text.size() <= kLongestName && IsDeviceId(text); }

void ReadTags(JsonFields& fields, std::vector<std::string>* tags) {
  const json* list = fields.Find("tags");
  if (list == nullptr) return;
  if (!list->is_array()) return fields.Fail("tags", "must be a list of words");
  for (size_t i = 0; i < list->size(); ++i) {
    const json& tag = (*list)[i];
    if (!tag.is_string() || !IsName(tag.get<std::string>())) {
      return fields.Fail(fmt::format("tags[{}]", i), kNameRule);
    }
    tags->push_back(tag);
  }
}

void ReadDevice(JsonFields& fields, const std::string& folder, Device* device) {
  std::string name, address;
  fields.Text("device", &name);
  fields.OptionalText("board", &address);
  if (name.empty()) return;
  if (!address.empty()) {
    if (const auto parsed = ParseBoardAddress(address); !parsed.ok()) {
      return fields.Fail("board", std::string(parsed.status().message()));
    }
  }
  const bool relative = IsDevicePath(name) && std::filesystem::path(name).is_relative();
  const std::string where = relative ? (std::filesystem::path(folder) / name).string() : name;
  auto loaded = LoadDevice(where, address);
  if (!loaded.ok()) return fields.Fail("device:", std::string(loaded.status().message()));
  *device = *std::move(loaded);
}

void ReadSimulation(JsonFields& fields, BoardEntry* board) {
  const json* object = fields.Find("simulation");
  if (board->device.board_kind() != BoardKind::kSimulated) {
    if (object == nullptr || board->device.id.empty()) return;
    return fields.Fail("simulation", "is of simulated boards: \"board\": \"simulated\"");
  }
  auto script = ReadSimulationScript(object == nullptr ? json::object() : *object, fields.file(),
                                     fields.FieldName("simulation"));
  if (!script.ok()) return fields.Take(script.status());
  // As it was loaded, but for an address behind it.
  std::string from = board->device.loaded_from;
  const std::string address = " " + board->device.board.ToText();
  if (from.ends_with(address)) from.resize(from.size() - address.size());
  auto emulated = LoadDevice(from, "virtual");
  if (!emulated.ok()) return fields.Fail("device:", std::string(emulated.status().message()));
  board->simulation = {*std::move(script), *std::move(emulated)};
}

// One object of the list, as the boards it stands for.
absl::Status ReadBoard(const json& object, const std::string& file, size_t index,
                       const std::string& folder, std::vector<BoardEntry>* boards) {
  JsonFields fields(object, file, fmt::format("boards[{}].", index), kKind);
  BoardEntry board;
  int count = 0, seconds = 0;
  fields.Text("name", &board.name);
  if (!board.name.empty() && !IsName(board.name)) fields.Fail("name", kNameRule);
  fields.OptionalInt("count", &count);
  if (count > kMostBoards) fields.Fail("count", fmt::format("must be at most {}", kMostBoards));
  ReadTags(fields, &board.tags);
  fields.OptionalText("reset", &board.reset);
  fields.OptionalText("power", &board.power);
  fields.OptionalInt("command_seconds", &seconds);
  if (seconds > 3600) fields.Fail("command_seconds", "must be at most 3600");
  if (seconds > 0) board.command_limit = std::chrono::seconds(seconds);
  fields.OptionalBool("hold", &board.hold);
  fields.OptionalBool("shared", &board.shared);
  if (board.hold && board.shared) {
    fields.Fail("hold", "is of boards of one's own: a shared one never comes to rest");
  }
  ReadDevice(fields, folder, &board.device);
  ReadSimulation(fields, &board);
  if (count > 1 && board.device.board_kind() == BoardKind::kPhysical) {
    fields.Fail("count", "is of virtual and simulated boards: a physical one is named by itself");
  }
  if (absl::Status s = fields.Finish(); !s.ok()) return s;
  for (int i = 1; i <= count; ++i) {
    boards->push_back(board);
    boards->back().name = fmt::format("{}-{}", board.name, i);
  }
  if (count == 0) boards->push_back(std::move(board));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<BoardEntry>> LoadBoardsFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    return absl::NotFoundError(fmt::format("{}: cannot be read: give a boards file", path));
  }
  const json root = json::parse(file, nullptr, false);
  if (root.is_discarded()) return absl::InvalidArgumentError(path + ": is not JSON");
  JsonFields fields(root, path, "", kKind);
  const json* list = fields.Required("boards");
  if (list != nullptr && (!list->is_array() || list->empty())) {
    fields.Fail("boards", "must be a list of at least one board");
  }
  if (absl::Status s = fields.Finish(); !s.ok()) return s;
  const std::string folder = std::filesystem::absolute(path).parent_path().string();
  std::vector<BoardEntry> boards;
  for (size_t i = 0; i < list->size(); ++i) {
    if (absl::Status s = ReadBoard((*list)[i], path, i, folder, &boards); !s.ok()) return s;
    if (boards.size() > kMostBoards) {
      return absl::InvalidArgumentError(
          fmt::format("{}: boards stands for more than {}: start another agent for the rest", path,
                      kMostBoards));
    }
  }
  std::set<std::string> names;
  for (const BoardEntry& board : boards) {
    if (names.insert(board.name).second) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: two boards have the name '{}'", path, board.name));
  }
  return boards;
}

}  // namespace halyard
