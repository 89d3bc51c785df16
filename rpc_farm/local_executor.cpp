#include "rpc_farm/local_executor.h"

#include "rpc_farm/runner_outcome.h"
#include "targets/child_process.h"

namespace halyard {

LocalExecutor::LocalExecutor(std::string runner, const Device& device, std::string sys_root)
    : runner_(std::move(runner)),
      board_id_(device.id),
      // Half of the memory: a candidate that wants more would push this machine into swap or into
      // its out-of-memory killer, and the tuner lives on it too.
      memory_bytes_(device.memory_bytes / 2),
      sys_root_(std::move(sys_root)) {
  const BoardFacts facts = ReadBoardFacts(sys_root_, ".");
  system_ = SystemText(facts);
  conditions_ = ConditionsText(facts.conditions);
}

RunOutcome LocalExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  limits.memory_bytes = memory_bytes_;
  const ChildResult child =
      RunChild({runner_, "--sys", sys_root_}, nlohmann::json(request).dump(), limits);
  RunOutcome outcome = OutcomeOfRunner(child, request);
  VoidIfUnstable(&outcome);
  if (outcome.reply.after) conditions_ = ConditionsText(*outcome.reply.after);
  return outcome;
}

std::string LocalExecutor::board_id() const { return board_id_; }

std::string LocalExecutor::environment() const {
  return conditions_.empty() ? system_ : system_ + ", " + conditions_;
}

std::optional<BoardFacts> LocalExecutor::facts() {
  return ReadBoardFacts(sys_root_, runner_.substr(0, runner_.rfind('/') + 1));
}

}  // namespace halyard
