#include "rpc_farm/local_executor.h"

#include <unistd.h>

#include "rpc_farm/runner_outcome.h"
#include "targets/child_process.h"

namespace halyard {

LocalExecutor::LocalExecutor(std::string runner, const Device& device, std::string sys_root,
                             std::shared_ptr<const Sandbox> sandbox)
    : runner_(std::move(runner)),
      board_id_(device.id),
      // Half of the memory: a candidate that wants more would push this machine into swap or into
      // its out-of-memory killer, and the tuner lives on it too.
      memory_bytes_(device.memory_bytes / 2),
      sys_root_(std::move(sys_root)),
      sandbox_(std::move(sandbox)) {
  const BoardFacts facts = ReadBoardFacts(sys_root_, ".");
  system_ = SystemText(facts);
  conditions_ = ConditionsText(facts.conditions);
}

RunOutcome LocalExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  limits.memory_bytes = memory_bytes_;
  std::vector<std::string> argv = {runner_, "--sys", sys_root_};
  if (sandbox_ != nullptr) {
    // The judge stays outside; a worker sees the runner's program and what it inherits.
    SandboxedProgram worker;
    worker.argv = worker.readable = {runner_};
    const std::vector<std::string> command = sandbox_->Command(worker);
    argv.push_back("--worker");
    argv.insert(argv.end(), command.begin(), command.end());
    limits.inherited_fd = sandbox_->OpenFilter(worker.calls);
    if (limits.inherited_fd < 0) return {RunStatus::kInfra, "no memory for the sandbox", {}};
  }
  const ChildResult child = RunChild(argv, nlohmann::json(request).dump(), limits);
  if (limits.inherited_fd >= 0) close(limits.inherited_fd);
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
