// Who a certificate is for: a role and a name, written into it as a URI.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace halyard {

enum class FarmRole {
  kClient,   // may use the farm
  kAgent,    // has boards
  kAdmin,    // may use and change the farm
  kTracker,  // is the farm: a server's certificate, which no client or agent can show as its own
};

const char* FarmRoleName(FarmRole role);
// InvalidArgument: lists the roles.
absl::StatusOr<FarmRole> ParseFarmRole(std::string_view text);

// 1 to 64 of A-Z a-z 0-9 . _ -, the first a letter or a digit: nothing that has a meaning to a
// shell, a path, a URI or a log line, and no two spellings of one name.
absl::Status CheckFarmName(std::string_view name);

struct FarmIdentity {
  FarmRole role = FarmRole::kClient;
  std::string name;
  bool operator==(const FarmIdentity&) const = default;
};

// "halyard:agent/rack1", as a subjectAltName of type URI. Not the subject's common name: that is
// free text, of which TLS libraries also take host names.
std::string ToUri(const FarmIdentity& identity);
// Nothing where the text is not exactly what ToUri gives: no escapes, no other case.
std::optional<FarmIdentity> IdentityFromUri(std::string_view uri);

}  // namespace halyard
