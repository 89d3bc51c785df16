// The boards beside an agent: the file a person writes, such as
//
//   {"boards": [
//     {"name": "pi-rack", "device": "rpi4", "board": "ssh:pi@pi4.lan", "tags": ["lab", "cooled"],
//      "reset": "ssh pi@pi4.lan sudo reboot", "power": "./relay 3 cycle", "command_seconds": 90},
//     {"name": "em", "device": "cortex-m7", "count": 4},
//     {"name": "desk", "device": "./my-board.json", "board": "local", "shared": true},
//     {"name": "sim", "device": "rpi4", "board": "simulated", "count": 20,
//      "simulation": {"speed_spread": 0.05, "noise": 0.02, "hang": 0.001}}]}
//
// Simulated boards are for tests of a farm without hardware: they answer what the device's virtual
// board answers, and take the time that their script says (simulated/simulation_script.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "rpc_farm/simulated/simulation_script.h"
#include "targets/device.h"

namespace halyard {

struct SimulationEntry {
  SimulationScript script;
  Device emulated;  // the same device's virtual board
};

struct BoardEntry {
  std::string name;  // unique in the farm; of `count` alike "sim-1" to "sim-4"
  // With the board's address; a path is taken from the boards file's folder. Device::loaded_from is
  // what another process loads the same from.
  Device device;
  std::vector<std::string> tags;
  // Of the tracker's remedies: for sh -c on the agent's machine, in the agent's folder; empty:
  // none.
  std::string reset, power;
  std::chrono::milliseconds command_limit{60'000};  // of each
  // Each result waits for a canary after it, and is measured again where the board had drifted:
  // slower, for a board whose figures are to stand by themselves. See canary/drift_watch.h.
  bool hold = false;
  // Others work on the machine too, and slow it down at will: what its canary takes is told with
  // each result, but does not keep it from work.
  bool shared = false;
  std::optional<SimulationEntry> simulation;  // of a simulated board

  // Where its candidates run.
  const Device& runs_on() const { return simulation ? simulation->emulated : device; }
};

// Of an agent: each is a process and a thread (a simulated one only that), and its hardware's few
// KiB go into one Hello of at most FarmLimits::message_bytes.
inline constexpr int kMostBoards = 100;

// InvalidArgument, NotFound: one line with file, field, what is wrong and what would be right.
absl::StatusOr<std::vector<BoardEntry>> LoadBoardsFile(const std::string& path);

}  // namespace halyard
