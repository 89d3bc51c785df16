#include <filesystem>
#include <iostream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "schedules/choose_restriction.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/options.h"
#include "tuner/duration_text.h"
#include "tuner/live_display.h"
#include "tuner/space_recorder.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

struct Arguments {
  TaskOptions task;
  std::string out, from;
  std::vector<std::string> restrict_to;
  int configs = 0;
  uint64_t seed = 0;
};

po::options_description Options(Arguments& a) {
  po::options_description d("tune record --op OP --shape SHAPE --device ID --out FILE [options]",
                            79, 40);
  AddTaskOptions(d, a.task);
  auto add = d.add_options();
  add("out", po::value(&a.out), "file to record to; measurements are logged in FILE.db meanwhile");
  add("restrict", po::value(&a.restrict_to)->multitoken(),
      "knob=value,value,...: the values that a knob keeps; knobs that are not named get some that "
      "are chosen");
  add("configs", po::value(&a.configs)->default_value(3000), "valid configs wanted, about");
  add("from", po::value(&a.from),
      "log whose best configs of the task are to be in the part that is recorded; a recording that "
      "goes on needs it as it was");
  add("seed", po::value(&a.seed)->default_value(1), "seed of the choice, the order and the inputs");
  add("help,h", "print this");
  return d;
}

std::string ProgressText(const RecordingProgress& p, const std::string& unit) {
  std::string line = fmt::format("{}/{}  best {:.4g} {}", p.done, p.total, p.best, unit);
  const auto here = static_cast<double>(p.done - p.resumed);
  if (here > 0 && p.seconds > 0) {
    const double left = static_cast<double>(p.total - p.done) * p.seconds / here;
    line += fmt::format("  {:.1f}/s  left {}", here / p.seconds, DurationText(left));
  }
  for (const auto& [outcome, count] : p.outcomes) {
    line += fmt::format("  {} {}", OutcomeName(outcome), count);
  }
  return line;
}

absl::StatusOr<RestrictionRequest> RequestOf(const Arguments& a, const Task& task) {
  RestrictionRequest request;
  request.configs = a.configs;
  request.seed = a.seed;
  for (const std::string& text : a.restrict_to) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    request.fixed.push_back({parts.first, absl::StrSplit(parts.second, ',', absl::SkipEmpty())});
  }
  if (a.from.empty()) return request;
  const auto log = OpenSqliteLog(a.from, LogMode::kRead);
  if (!log.ok()) return log.status();
  auto good = GoodConfigs(**log, task);
  if (!good.ok()) return good.status();
  if (good->empty()) {
    fmt::print(stderr, "tune: '{}' has nothing of {}; choosing without it\n", a.from, task.key());
  }
  request.good = *std::move(good);
  return request;
}

int Run(const Arguments& a, const Task& whole) {
  const auto request = RequestOf(a, whole);
  if (!request.ok()) return Fail(request.status());
  const auto chosen = ChooseRestriction(whole.space, *request);
  if (!chosen.ok()) {
    return Fail(kExitUsage, "--restrict: " + std::string(chosen.status().message()));
  }
  const auto task = RestrictTask(whole, chosen->kept);
  if (!task.ok()) return Fail(task.status());
  const std::string log_path = a.out + ".db";
  auto log = OpenSqliteLog(log_path, LogMode::kWrite);
  if (!log.ok()) return Fail(log.status());
  auto executor = MakeExecutor(task->device);
  if (!executor.ok()) return Fail(executor.status());
  auto builder = MakeWorkerBuilder({});
  if (!builder.ok()) return Fail(builder.status());

  fmt::print(stderr, "{}: {} configs of {} combinations\n", task->key(), chosen->valid,
             task->space.size());
  for (const KnobSubset& k : RestrictionText(whole.space, chosen->kept)) {
    fmt::print(stderr, "  {}={}\n", k.knob, absl::StrJoin(k.values, ","));
  }
  TuneOptions options;
  options.seed = a.seed;
  const Workbench bench{*task, options, **builder, **executor, **log, CatchInterrupts()};
  absl::StatusOr<RecordedSpace> space;
  {
    LiveDisplay display;
    const std::string unit = UnitOf(task->device.board_kind());
    space = RecordSpace(bench, [&](const RecordingProgress& p) {
      display.Show(ProgressText(p, unit), /*force=*/p.done >= p.total);
    });
  }
  if (!space.ok()) {
    return Fail(kExitInfrastructure,
                std::string(space.status().message()) + "; the same command goes on from there");
  }
  const auto bound = BindRecordedSpace(*space, a.out);
  if (!bound.ok()) return Fail(kExitNothingValid, std::string(bound.status().message()));
  if (auto s = WriteRecordedSpace(*space, a.out); !s.ok()) return Fail(s);
  fmt::print("{}  {} configs, best {:.6g} {}, worst {:.3g}x\n", a.out, bound->valid.size(),
             bound->best, bound->unit, bound->worst / bound->best);
  return kExitDone;
}

}  // namespace

int RecordCommand(const std::vector<std::string>& args) {
  Arguments a;
  const po::options_description options = Options(a);
  const auto given = ParseOptions(args, options, {}, "tune record");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  const auto task = TaskFromOptions(a.task);
  if (!task.ok()) return Fail(task.status());
  if (a.out.empty()) return Fail(kExitUsage, "--out is missing; give the file to record to");
  if (std::filesystem::exists(a.out)) {
    return Fail(kExitUsage,
                fmt::format("--out '{}' is there already; remove it to record it again", a.out));
  }
  if (a.configs < 16 || a.configs > 100'000) {
    return Fail(kExitUsage,
                fmt::format("--configs is {}; give a number from 16 to 100000", a.configs));
  }
  return Run(a, *task);
}

}  // namespace halyard
