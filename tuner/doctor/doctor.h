// Preflight: whether a device can be tuned, step by step, each with what was found and what to do
// where it is not well.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rpc_farm/executor.h"
#include "tuner/builder.h"

namespace halyard {

enum class Verdict { kOk, kWarning, kFailed };
std::string_view VerdictName(Verdict verdict);  // "ok" | "warning" | "failed"

struct Step {
  std::string name;  // "compile"
  Verdict verdict = Verdict::kOk;
  std::string found;  // one line
  std::string fix;    // one line, where it is not well; may be empty where `found` says it
};

// "failed   compile: what was found; the fix"
std::string StepText(const Step& step);

enum class Depth {
  kShort,  // what every search begins with: half a second, ends at the first failure
  kFull,   // clock, noise and surroundings as well
};

using ToldStep = std::function<void(const Step&)>;

// The step of reaching the board at all.
Step BoardStep(const Device& device, const absl::StatusOr<std::unique_ptr<Executor>>& executor);

// The steps after that one, in order; those that make no sense for the board are left out. `told`
// hears of each as it is done.
std::vector<Step> Examine(const Device& device, Executor& executor, Builder& builder, Depth depth,
                          const ToldStep& told);

// OK, or FailedPrecondition with the text of the first step of the short form that failed.
absl::Status ShortExamination(const Device& device, Executor& executor, Builder& builder);

}  // namespace halyard
