#include "rpc_farm/local_executor.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <fstream>

#include "rpc_farm/child_process.h"
#include "rpc_farm/runner_outcome.h"

namespace halyard {
namespace {

std::string FirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::string HostConditions() {
  utsname name = {};
  uname(&name);
  std::string text = fmt::format("kernel {}", name.release);
  const std::string clock =
      FirstLine("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!clock.empty()) text += ", clocksource " + clock;
  const std::string governor = FirstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  if (!governor.empty()) text += ", governor " + governor;
  return text;
}

LocalExecutor::LocalExecutor(std::string runner, const Device& device)
    : runner_(std::move(runner)),
      board_id_(device.id),
      // Half of the memory: a candidate that wants more would push this machine into swap or into
      // its out-of-memory killer, and the tuner lives on it too.
      memory_bytes_(device.memory_bytes / 2) {}

RunOutcome LocalExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  ChildLimits limits;
  limits.deadline = deadline;
  limits.memory_bytes = memory_bytes_;
  const ChildResult child = RunChild({runner_}, nlohmann::json(request).dump(), limits);
  return OutcomeOfRunner(child, request);
}

std::string LocalExecutor::board_id() const { return board_id_; }

std::string LocalExecutor::environment() const { return HostConditions(); }

}  // namespace halyard
