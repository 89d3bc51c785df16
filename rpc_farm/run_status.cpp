#include "rpc_farm/run_status.h"

namespace halyard {
namespace {

struct Name {
  RunStatus status;
  std::string_view name;
};

constexpr Name kNames[] = {
    {RunStatus::kOk, "ok"},
    {RunStatus::kCrash, "crash"},
    {RunStatus::kTimeout, "timeout"},
    {RunStatus::kResource, "resource"},
    {RunStatus::kInfra, "infra"},
    {RunStatus::kBoardLost, "board_lost"},
    {RunStatus::kUnstable, "unstable"},
    {RunStatus::kRejected, "rejected"},
};

}  // namespace

std::string_view RunStatusName(RunStatus status) {
  for (const Name& n : kNames) {
    if (n.status == status) return n.name;
  }
  return "infra";
}

std::optional<RunStatus> ParseRunStatus(std::string_view name) {
  for (const Name& n : kNames) {
    if (n.name == name) return n.status;
  }
  return std::nullopt;
}

}  // namespace halyard
