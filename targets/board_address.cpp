#include "targets/board_address.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace halyard {
namespace {

// "HOST[:PORT]" or "[HOST][:PORT]". False: no host, or a port that is none.
bool ReadHostAndPort(absl::string_view text, BoardAddress* address) {
  absl::string_view host = text, port;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == absl::string_view::npos) return false;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !absl::ConsumePrefix(&port, ":")) return false;
  } else if (const size_t colon = text.rfind(':'); colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty() || host.find(':') != absl::string_view::npos) return false;
  }
  address->host = std::string(host);
  // A host that begins with a dash would be an option of ssh.
  if (host.empty() || host.front() == '-') return false;
  if (port.empty()) return true;
  return absl::SimpleAtoi(port, &address->port) && address->port > 0 && address->port < 65536;
}

}  // namespace

std::string_view BoardKindName(BoardKind kind) {
  switch (kind) {
    case BoardKind::kPhysical:
      return "physical";
    case BoardKind::kVirtual:
      return "virtual";
    case BoardKind::kSimulated:
      return "simulated";
  }
  return "";
}

std::optional<BoardKind> BoardKindFromName(std::string_view name) {
  for (const BoardKind kind : {BoardKind::kPhysical, BoardKind::kVirtual, BoardKind::kSimulated}) {
    if (name == BoardKindName(kind)) return kind;
  }
  return std::nullopt;
}

BoardKind BoardAddress::kind() const {
  switch (reach) {
    case BoardReach::kVirtual:
      return BoardKind::kVirtual;
    case BoardReach::kSimulated:
      return BoardKind::kSimulated;
    default:
      return BoardKind::kPhysical;
  }
}

std::string BoardAddress::ToText() const {
  const std::string bracketed = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::string with_port = port == 0 ? bracketed : fmt::format("{}:{}", bracketed, port);
  switch (reach) {
    case BoardReach::kVirtual:
      return "virtual";
    case BoardReach::kLocal:
      return "local";
    case BoardReach::kSsh:
      return "ssh:" + (user.empty() ? "" : user + "@") + with_port;
    case BoardReach::kAdb:
      return serial.empty() ? "adb" : "adb:" + serial;
    case BoardReach::kGdb:
      return "gdb:" + with_port;
    case BoardReach::kSimulated:
      return "simulated";
  }
  return "";
}

absl::StatusOr<BoardAddress> ParseBoardAddress(const std::string& text) {
  BoardAddress address;
  absl::string_view rest = text;
  bool good = true;
  if (text == "virtual") {
    address.reach = BoardReach::kVirtual;
  } else if (text == "local") {
    address.reach = BoardReach::kLocal;
  } else if (text == "simulated") {
    address.reach = BoardReach::kSimulated;
  } else if (text == "adb") {
    address.reach = BoardReach::kAdb;
  } else if (absl::ConsumePrefix(&rest, "adb:")) {
    address.reach = BoardReach::kAdb;
    address.serial = std::string(rest);
    good = !rest.empty() && rest.front() != '-';
  } else if (absl::ConsumePrefix(&rest, "ssh:")) {
    address.reach = BoardReach::kSsh;
    if (const size_t at = rest.find('@'); at != absl::string_view::npos) {
      address.user = std::string(rest.substr(0, at));
      rest.remove_prefix(at + 1);
      good = !address.user.empty() && address.user.front() != '-';
    }
    good = good && ReadHostAndPort(rest, &address);
  } else if (absl::ConsumePrefix(&rest, "gdb:")) {
    address.reach = BoardReach::kGdb;
    good = ReadHostAndPort(rest, &address) && address.port != 0;
  } else {
    good = false;
  }
  if (good) return address;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not where a board is reached: give virtual, local, "
                  "ssh:[USER@]HOST[:PORT], adb[:SERIAL] or gdb:HOST:PORT",
                  text));
}

}  // namespace halyard
