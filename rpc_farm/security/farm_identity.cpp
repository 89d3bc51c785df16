#include "rpc_farm/security/farm_identity.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "fmt/format.h"

namespace halyard {
namespace {

constexpr std::string_view kScheme = "halyard:";
constexpr FarmRole kRoles[] = {FarmRole::kClient, FarmRole::kAgent, FarmRole::kAdmin,
                               FarmRole::kTracker};

}  // namespace

const char* FarmRoleName(FarmRole role) {
  switch (role) {
    case FarmRole::kClient:
      return "client";
    case FarmRole::kAgent:
      return "agent";
    case FarmRole::kAdmin:
      return "admin";
    case FarmRole::kTracker:
      return "tracker";
  }
  return "";
}

absl::StatusOr<FarmRole> ParseFarmRole(std::string_view text) {
  for (const FarmRole role : kRoles) {
    if (text == FarmRoleName(role)) return role;
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a role; give client, agent, admin or tracker", text));
}

absl::Status CheckFarmName(std::string_view name) {
  const auto plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  if (!name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), plain) &&
      absl::ascii_isalnum(static_cast<unsigned char>(name.front()))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a name; give 1 to 64 of A-Z a-z 0-9 . _ -, a letter or digit first",
                  name.substr(0, 80)));
}

std::string ToUri(const FarmIdentity& identity) {
  return fmt::format("{}{}/{}", kScheme, FarmRoleName(identity.role), identity.name);
}

std::optional<FarmIdentity> IdentityFromUri(std::string_view uri) {
  if (uri.substr(0, kScheme.size()) != kScheme) return std::nullopt;
  uri.remove_prefix(kScheme.size());
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto role = ParseFarmRole(uri.substr(0, slash));
  const std::string_view name = uri.substr(slash + 1);
  if (!role.ok() || !CheckFarmName(name).ok()) return std::nullopt;
  return FarmIdentity{*role, std::string(name)};
}

}  // namespace halyard
