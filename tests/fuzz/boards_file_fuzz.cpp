// An agent's boards file: JSON that a person writes.
#include <fstream>
#include <set>

#include "rpc_farm/agent/boards_file.h"
#include "rpc_farm/temporary_folder.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const halyard::TemporaryFolder folder;
  const std::string path = folder.path() + "/boards.json";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  const auto boards = halyard::LoadBoardsFile(path);
  if (!boards.ok()) {
    const auto message = boards.status().message();
    halyard::Require(message.rfind(path, 0) == 0, "the file is named");
    halyard::Require(message.find('\n') == std::string::npos, "one line");
    return 0;
  }
  halyard::Require(!boards->empty() && boards->size() <= halyard::kMostBoards, "1 to 100 boards");
  std::set<std::string> names;
  for (const halyard::BoardEntry& board : *boards) {
    halyard::Require(names.insert(board.name).second, "names are unique");
    halyard::Require(!board.device.id.empty(), "a board is of a device");
    halyard::Require(board.command_limit.count() > 0, "commands have a limit");
  }
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
