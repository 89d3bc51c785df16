#include "tuner/cli/suite_run.h"

#include <algorithm>
#include <iostream>

#include "tuner/cli/suite_shipping.h"

namespace halyard {
namespace {

int GiveUp(SuiteDesk& desk, const absl::Status& error) {
  desk.SaveNight();
  return Fail(kExitInfrastructure,
              std::string(error.message()) + "; the same command goes on from there");
}

// Why no device of the suite has a schedule, or "": one has.
std::string NothingAtAll(const SuiteDesk& desk, const NightSummary& night) {
  for (const NightDevice& d : night.devices) {
    const auto has = [](const SuiteRow& r) { return r.final.has_value(); };
    if (d.shipped_before || std::any_of(d.tasks.rows.begin(), d.tasks.rows.end(), has)) return "";
  }
  const TaskRun& first = desk.tasks.front();
  return ListedText(first.task.workload) + ": " + NothingFound(first.search);
}

bool Failed(const NightSummary& night) {
  return std::any_of(night.devices.begin(), night.devices.end(), [](const NightDevice& d) {
    return !d.lost.empty() ||
           std::any_of(d.tasks.rows.begin(), d.tasks.rows.end(),
                       [](const SuiteRow& r) { return !r.final_failed.empty(); });
  });
}

// A nightly suite's is over: the next run is another's.
absl::Status EndNight(SuiteDesk& desk, NightSummary& night) {
  night.seconds = desk.Elapsed();
  night.board_seconds = desk.meter.seconds();
  if (!desk.night) return absl::OkStatus();
  desk.SaveNight();
  night.seconds = desk.night->state().seconds;
  night.board_seconds = desk.night->state().board_seconds;
  return desk.night->End();
}

}  // namespace

int RunSuite(const SuiteSpec& spec, bool json, std::chrono::steady_clock::time_point begin) {
  SuiteDesk desk(spec, begin);
  if (auto s = desk.SetUp(); !s.ok()) return Fail(s);
  if (auto s = LookAtShippedWinners(desk); !s.ok()) return GiveUp(desk, s);
  SuiteSearching searching(desk);
  auto s = searching.Run();
  auto night = s.ok() ? ShipSuite(desk, searching) : absl::StatusOr<NightSummary>(s);
  if (searching.progress) searching.progress->Finish();
  if (!night.ok()) return GiveUp(desk, night.status());
  if (const std::string why = NothingAtAll(desk, *night); !why.empty()) {
    return Fail(kExitNothingValid, why);
  }
  if (auto ended = EndNight(desk, *night); !ended.ok()) return Fail(ended);
  if (spec.nightly) {
    std::cout << (json ? NightJson(*night).dump(2) + "\n" : NightText(*night));
  } else {
    const SuiteSummary& only = night->devices[0].tasks;
    std::cout << (json ? SuiteJson(only).dump(2) + "\n" : SuiteText(only));
  }
  std::cout.flush();
  return Failed(*night) ? kExitInfrastructure : kExitDone;
}

}  // namespace halyard
