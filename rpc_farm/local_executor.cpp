#include "rpc_farm/local_executor.h"

#include "rpc_farm/runner_outcome.h"
#include "targets/child_process.h"
#include "targets/judge/judged_child.h"

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

SandboxedProgram LocalExecutor::Contained(const RunRequest& request) const {
  SandboxedProgram program;
  program.argv = {runner_};
  program.readable = {runner_};
  for (const CandidateSpec& candidate : request.candidates) {
    program.readable.push_back(candidate.artifact_path);
  }
  return program;
}

RunOutcome LocalExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  limits.memory_bytes = memory_bytes_;
  const auto start = [&](const std::string& input, const ChildLimits& within) {
    return sandbox_ == nullptr ? RunChild({runner_}, input, within)
                               : sandbox_->Run(Contained(request), input, within);
  };
  const ChildResult child = RunJudgedChild(request, sys_root_, limits, start);
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
