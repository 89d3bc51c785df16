// Where a board of a device is reached: the text of a device file's `board` and of --board.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace halyard {

enum class BoardKind { kPhysical, kVirtual };
std::string_view BoardKindName(BoardKind kind);  // "physical" | "virtual"

enum class BoardReach {
  kVirtual,  // an emulator on this machine
  kLocal,    // this machine itself
  kSsh,      // a Linux board that takes SSH
  kAdb,      // an Android board of the local adb server
  kGdb,      // a server of the GDB remote protocol: OpenOCD, pyOCD, J-Link
};

struct BoardAddress {
  BoardReach reach = BoardReach::kLocal;
  std::string user;    // of ssh; empty: the one ssh itself takes
  std::string host;    // of ssh and gdb
  int port = 0;        // of ssh and gdb; 0: ssh's own choice
  std::string serial;  // of adb; empty: the only board there is

  BoardKind kind() const {
    return reach == BoardReach::kVirtual ? BoardKind::kVirtual : BoardKind::kPhysical;
  }
  // What ParseBoardAddress reads.
  std::string ToText() const;
};

// "virtual", "local", "ssh:[USER@]HOST[:PORT]", "adb[:SERIAL]", "gdb:HOST:PORT"; an IPv6 host in
// brackets. InvalidArgument: says what would be right, for use behind the argument's name.
absl::StatusOr<BoardAddress> ParseBoardAddress(const std::string& text);

}  // namespace halyard
