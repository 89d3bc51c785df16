#include "rpc_farm/board_link.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"

namespace halyard {

std::string NamedBoardFolder() {
  const char* named = std::getenv("HALYARD_BOARD_FOLDER");
  return named != nullptr ? named : "";
}

std::string ShellQuoted(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"'", R"('\'')"}}) + "'";
}

bool Says(const std::string& message, const char* words) {
  return absl::StrContains(absl::AsciiStrToLower(message), words);
}

std::string MoveInPlace(const std::string& part, const std::string& to, const std::string& after) {
  const std::string then = after.empty() ? "" : " && " + after;
  return fmt::format("{{ chmod 700 {0} && mv -f {0} {1}{2} || {{ rm -f {0}; false; }}; }}",
                     ShellQuoted(part), ShellQuoted(to), then);
}

}  // namespace halyard
