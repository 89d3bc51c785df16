#include "tuner/doctor/kernel_steps.h"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"

namespace halyard {
namespace {

// Takes milliseconds under emulation and goes through the same loops as larger ones.
constexpr char kTinyWorkload[] = "gemm:16x16x16:f32";
constexpr int kRepeats = 20;
// Beyond this, configs that differ by less are told apart by chance.
constexpr double kNoisy = 0.1;

std::string FixOf(Outcome outcome, const Device& device) {
  switch (outcome) {
    case Outcome::kBuildError:
      return fmt::format("check halide_target '{}' of the device file", device.halide_target);
    case Outcome::kBuildTimeout:
      return "the machine is too busy to compile: end what else runs on it";
    case Outcome::kCrash:
      return "the device file's halide_target assumes what the board has not, or the board has "
             "another architecture";
    case Outcome::kWrongResult:
      return "do not tune on this board: it computes wrongly";
    case Outcome::kRunTimeout:
      return "the board is too busy: end what else runs on it";
    case Outcome::kResourceLimit:
      return fmt::format("check memory_bytes of the device file ({})", device.memory_bytes);
    default:
      return "";  // the message of a lost board says what to do
  }
}

Step Failed(const char* name, Outcome outcome, const std::string& message, const Device& device) {
  return {name, Verdict::kFailed, message.empty() ? std::string(OutcomeName(outcome)) : message,
          FixOf(outcome, device)};
}

}  // namespace

TinyKernel::TinyKernel(const Device& device, Executor& executor, Builder& builder)
    : task_(MakeTask(ParseWorkload(kTinyWorkload).value(), device)),
      builder_(builder),
      runner_(task_, executor, /*seed=*/1) {}

Step TinyKernel::Compile() {
  built_ = builder_
               .Build({{BuildKind::kConfig, task_.workload.ToText(),
                        task_.space.ToText(task_.space.safe()), task_.device.loaded_from}})
               .front();
  if (built_.outcome != Outcome::kOk) {
    return Failed("compile", built_.outcome, built_.message, task_.device);
  }
  return {"compile", Verdict::kOk,
          fmt::format("{} for {} in {:.2f} s", kTinyWorkload, task_.device.halide_target,
                      built_.seconds),
          ""};
}

MeasureResult TinyKernel::MeasureOnce(int samples) {
  TimingPolicy policy;
  policy.samples = samples;
  return runner_.Measure(task_.space.safe(), built_, policy);
}

Step TinyKernel::Run() {
  const auto begin = std::chrono::steady_clock::now();
  const MeasureResult m = MeasureOnce(1);
  if (m.outcome == Outcome::kUnstable) {
    return {"run", Verdict::kWarning, m.message, "cool the board, or fix its clock"};
  }
  if (m.outcome != Outcome::kOk) return Failed("run", m.outcome, m.message, task_.device);
  value_ = m.samples.front();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return {"run", Verdict::kOk,
          fmt::format("its answer is right; {:.4g} {}, {:.2f} s there and back", value_,
                      UnitOf(task_.device.board_kind()), took.count()),
          ""};
}

Step TinyKernel::Repeat() {
  std::vector<double> values;
  for (int i = 0; i < kRepeats; i++) {
    const MeasureResult m = MeasureOnce(1);
    if (m.outcome != Outcome::kOk) return Failed("noise", m.outcome, m.message, task_.device);
    values.push_back(m.samples.front());
    // Counts either repeat or they do not.
    if (task_.device.board_kind() == BoardKind::kVirtual && values.size() == 2) break;
  }
  std::sort(values.begin(), values.end());
  if (task_.device.board_kind() == BoardKind::kVirtual) {
    if (values.front() == values.back()) {
      return {"noise", Verdict::kOk, "counts repeat exactly", ""};
    }
    return {"noise", Verdict::kFailed,
            fmt::format("two runs counted {:.0f} and {:.0f}", values.front(), values.back()),
            "counts of a virtual board must repeat: install the qemu of this Debian release"};
  }
  // The middle four fifths: a lone interruption is no property of the board.
  const size_t tail = values.size() / 10;
  const double median = values[values.size() / 2];
  const double spread = (values[values.size() - 1 - tail] - values[tail]) / median;
  const std::string found =
      fmt::format("{} runs within {:.1f} % of {:.4g} ns", kRepeats, 100 * spread, median);
  if (spread <= kNoisy) return {"noise", Verdict::kOk, found, ""};
  return {"noise", Verdict::kWarning, found,
          "end what else runs on the board, hold its clock and cool it"};
}

}  // namespace halyard
