// Where a board of a device is reached: the text of a device file's `board` and of --board.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace halyard {

enum class BoardKind {
  kPhysical,
  kVirtual,    // emulated: cycles are counted, and repeat exactly
  kSimulated,  // of an agent, for tests of a farm: answers of an emulator, times by a script
};
std::string_view BoardKindName(BoardKind kind);  // "physical" | "virtual" | "simulated"
std::optional<BoardKind> BoardKindFromName(std::string_view name);

// What a board of the kind tells is time, which is never twice the same, and not a count.
constexpr bool IsTimed(BoardKind kind) { return kind != BoardKind::kVirtual; }

enum class BoardReach {
  kVirtual,    // an emulator on this machine
  kLocal,      // this machine itself
  kSsh,        // a Linux board that takes SSH
  kAdb,        // an Android board of the local adb server
  kGdb,        // a server of the GDB remote protocol: OpenOCD, pyOCD, J-Link
  kSimulated,  // an agent's own
};

struct BoardAddress {
  BoardReach reach = BoardReach::kLocal;
  std::string user;    // of ssh; empty: the one ssh itself takes
  std::string host;    // of ssh and gdb
  int port = 0;        // of ssh and gdb; 0: ssh's own choice
  std::string serial;  // of adb; empty: the only board there is

  BoardKind kind() const;
  // What ParseBoardAddress reads.
  std::string ToText() const;
};

// "virtual", "local", "simulated", "ssh:[USER@]HOST[:PORT]", "adb[:SERIAL]", "gdb:HOST:PORT"; an
// IPv6 host in brackets. InvalidArgument: says what would be right, for use behind the argument's
// name.
absl::StatusOr<BoardAddress> ParseBoardAddress(const std::string& text);

}  // namespace halyard
