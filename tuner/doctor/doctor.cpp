#include "tuner/doctor/doctor.h"

#include <algorithm>

#include "fmt/format.h"
#include "tuner/doctor/board_steps.h"
#include "tuner/doctor/kernel_steps.h"

namespace halyard {

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kFailed:
      return "failed";
  }
  return "";
}

std::string StepText(const Step& step) {
  const std::string fix = step.fix.empty() ? "" : "; " + step.fix;
  return fmt::format("{:<8} {}: {}{}", VerdictName(step.verdict), step.name, step.found, fix);
}

Step BoardStep(const Device& device, const absl::StatusOr<std::unique_ptr<Executor>>& executor) {
  Step step{"board", Verdict::kOk, "", ""};
  if (!executor.ok()) {
    step.verdict = Verdict::kFailed;
    step.found = std::string(executor.status().message());
    return step;
  }
  const std::string environment = (*executor)->environment();
  step.found = fmt::format("{} ({}){}", (*executor)->board_id(), device.board.ToText(),
                           environment.empty() ? "" : ": " + environment);
  return step;
}

std::vector<Step> Examine(const Device& device, Executor& executor, Builder& builder, Depth depth,
                          const ToldStep& told) {
  std::vector<Step> steps;
  const auto add = [&](Step step) {
    steps.push_back(std::move(step));
    told(steps.back());
    return steps.back().verdict != Verdict::kFailed;
  };
  // What the board tells explains what fails on it later, so it goes first.
  if (const auto facts = executor.facts()) {
    for (Step& step : BoardSteps(device, *facts, depth)) {
      if (!add(std::move(step)) && depth == Depth::kShort) return steps;
    }
  }
  TinyKernel kernel(device, executor, builder);
  if (!add(kernel.Compile()) || !add(kernel.Run())) return steps;
  if (depth == Depth::kFull) add(kernel.Repeat());
  return steps;
}

absl::Status ShortExamination(const Device& device, Executor& executor, Builder& builder) {
  const std::vector<Step> steps =
      Examine(device, executor, builder, Depth::kShort, [](const Step&) {});
  for (const Step& step : steps) {
    if (step.verdict != Verdict::kFailed) continue;
    return absl::FailedPreconditionError(
        fmt::format("{}: {}{}{}", step.name, step.found, step.fix.empty() ? "" : "; ", step.fix));
  }
  return absl::OkStatus();
}

}  // namespace halyard
