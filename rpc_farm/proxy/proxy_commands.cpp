#include "rpc_farm/proxy/proxy_commands.h"

#include <fmt/format.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace halyard {
namespace {

constexpr int kLongestDelayMs = 600'000;

std::vector<ProxyWay> WaysOf(const std::string& word) {
  if (word == "to-server") return {ProxyWay::kToServer};
  if (word == "to-client") return {ProxyWay::kToClient};
  if (word == "both") return {ProxyWay::kToServer, ProxyWay::kToClient};
  return {};
}

std::string FiguresText(const FarmProxy::Figures& f) {
  return fmt::format(
      "open {} accepted {} refused {} unreachable {} to-server-bytes {} to-client-bytes {}", f.open,
      f.accepted, f.refused, f.unreachable, f.to_server_bytes, f.to_client_bytes);
}

}  // namespace

const char kProxyCommands[] =
    "  delay MS [to-server|to-client|both]  bytes go on so much later; 0: at once\n"
    "  hole [to-server|to-client|both]      connections stay open and nothing goes through\n"
    "  open [to-server|to-client|both]      no hole any more: what was held goes on\n"
    "  reset                                resets the connections that are open\n"
    "  refuse                               resets new ones, until accept\n"
    "  accept\n"
    "  figures                              connections and bytes\n";

std::string DoProxyCommand(FarmProxy& proxy, const std::string& line) {
  const std::vector<std::string> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (words.empty()) return "error: an empty line; help lists the commands";
  const std::string& command = words[0];
  if (command == "delay" || command == "hole" || command == "open") {
    const size_t at = command == "delay" ? 2 : 1;
    const auto ways = WaysOf(words.size() > at ? words[at] : "both");
    int ms = 0;
    if (command == "delay" &&
        (words.size() < 2 || !absl::SimpleAtoi(words[1], &ms) || ms < 0 || ms > kLongestDelayMs)) {
      return fmt::format("error: delay needs milliseconds, 0 to {}", kLongestDelayMs);
    }
    if (ways.empty() || words.size() > at + 1) {
      return fmt::format("error: {} goes to-server, to-client or both", command);
    }
    for (const ProxyWay way : ways) {
      if (command == "delay") {
        proxy.SetDelay(way, std::chrono::milliseconds(ms));
      } else {
        proxy.SetBlackHole(way, command == "hole");
      }
    }
    return "ok";
  }
  const bool known =
      command == "reset" || command == "refuse" || command == "accept" || command == "figures";
  if (!known) {
    return fmt::format("error: no command '{}'; help lists them", command);
  }
  if (words.size() > 1) return fmt::format("error: {} stands alone", command);
  if (command == "figures") return FiguresText(proxy.figures());
  if (command == "reset") {
    proxy.Reset();
  } else {
    proxy.SetRefusing(command == "refuse");
  }
  return "ok";
}

}  // namespace halyard
