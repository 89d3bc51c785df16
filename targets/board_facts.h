// What a Linux board is, as it tells itself.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "targets/board_conditions.h"

namespace halyard {

struct BoardFacts {
  int protocol = 0;         // kRunProtocolVersion of the board's runner
  std::string kernel;       // release
  std::string machine;      // of uname: "x86_64", "aarch64"
  std::string clocksource;  // "" where the board does not tell
  // Of /proc/cpuinfo, where a process reads AT_HWCAP as words: "asimd", "avx2".
  std::vector<std::string> cpu_features;
  int cores = 0;
  int64_t memory_bytes = 0;
  int64_t available_bytes = 0;  // of memory, without swapping
  int64_t free_disk_bytes = 0;  // where the runner lies
  int64_t clock_resolution_ns = 0;
  BoardConditions conditions;
};

// Of this machine. `sys_root`: where its /sys lies; `folder`: where its free disk is looked for.
BoardFacts ReadBoardFacts(const std::string& sys_root, const std::string& folder);

// "kernel 6.1.0, clocksource tsc": what does not change between two runs.
std::string SystemText(const BoardFacts& facts);

void to_json(nlohmann::json& j, const BoardFacts& f);
void from_json(const nlohmann::json& j, BoardFacts& f);  // throws on what is missing or mistyped

}  // namespace halyard
