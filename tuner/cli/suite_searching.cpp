#include "tuner/cli/suite_searching.h"

#include <algorithm>

#include "tuner/live_display.h"

namespace halyard {
namespace {

// Whether its shipped config ships on without a search.
bool Holds(const TaskRun& t) {
  if (!t.again) return false;
  // Of the same code a board that is slower today says nothing about other configs; what was too
  // noisy for a time, or was lost, says nothing at all.
  const bool slower_only = t.again->record.outcome == Outcome::kOk;
  return !t.again->moved || (t.winner.change == TaskChange::kNone && slower_only);
}

// Boards on this machine share its processors, and a kernel that is timed here has them alone.
std::vector<size_t> LanesOf(const SuiteDesk& desk) {
  std::vector<size_t> lanes;
  size_t next = 1;
  bool timed_here = false;
  for (const DeviceRun& d : desk.devices) {
    const BoardReach reach = d.spec->device.board.reach;
    const bool farm = !d.spec->farm.address.empty();
    timed_here = timed_here || (!farm && reach == BoardReach::kLocal);
    const bool here = !farm && d.spec->device.board_kind() != BoardKind::kPhysical;
    lanes.push_back(here ? 0 : next++);
  }
  if (timed_here) lanes.assign(lanes.size(), 0);
  return lanes;
}

double ReservedSeconds(const SuiteDesk& desk, size_t tasks) {
  const bool any_timed =
      std::any_of(desk.devices.begin(), desk.devices.end(),
                  [&](const DeviceRun& d) { return IsTimed(d.spec->device.board_kind()); });
  return (kLibrarySeconds + (any_timed ? kFinalSeconds : 0)) * static_cast<double>(tasks);
}

SuiteBudget BudgetOf(const SuiteDesk& desk, size_t tasks) {
  SuiteBudget budget;
  budget.trials = desk.spec.options.trials;
  const double reserved = ReservedSeconds(desk, tasks);
  const auto limit = [&](double left, double whole) {
    const double search = left - std::min(kMostReserved * whole, reserved);
    budget.seconds = std::min(budget.seconds, std::max(1.0, search));
  };
  if (desk.options.time_seconds) {
    limit(*desk.options.time_seconds - desk.seconds_before - desk.Elapsed(),
          *desk.options.time_seconds);
  }
  if (desk.night && desk.night->state().deadline_unix_ms != 0) {
    const int64_t now = UnixMs(std::chrono::system_clock::now());
    const double left = 1e-3 * static_cast<double>(desk.night->state().deadline_unix_ms - now);
    limit(left, left);
  }
  if (desk.spec.nightly) {
    budget.board_seconds_used = [&desk] {
      return desk.board_seconds_before + desk.meter.seconds();
    };
  }
  if (desk.spec.board_seconds) {
    const double finals = kFinalSeconds * static_cast<double>(tasks);
    budget.board_seconds_kept = std::min(kMostReserved * *desk.spec.board_seconds, finals);
    budget.board_seconds = *desk.spec.board_seconds - budget.board_seconds_kept;
  }
  return budget;
}

}  // namespace

absl::Status LookAtShippedWinners(SuiteDesk& desk) {
  LiveDisplay display;
  for (TaskRun& t : desk.tasks) {
    if (!t.device->in_use() || !t.device->previous) continue;
    const Workbench bench = desk.BenchOf(t);
    auto winner = FindShippedWinner(bench, &*t.device->previous);
    if (!winner.ok()) return winner.status();
    t.winner = *std::move(winner);
    if (t.winner.change != TaskChange::kNone && t.winner.change != TaskChange::kCompiler) {
      continue;
    }
    auto known = MeasuredSince(bench, t.winner, desk.night->state().begun_unix_ms);
    if (!known.ok()) return known.status();
    t.again = *std::move(known);
    if (t.again) continue;
    if (desk.interrupted) return absl::CancelledError("interrupted");
    display.Show("again: " + ListedText(t.task.workload) + " on " + t.task.device.id);
    auto again = MeasureAgain(bench, t.winner);
    if (absl::IsUnavailable(again.status())) {
      desk.Lose(*t.device, std::string(again.status().message()));
      if (desk.NoneInUse()) return again.status();
      continue;
    }
    if (!again.ok()) return again.status();
    t.again = *std::move(again);
    desk.SaveNight();
  }
  return absl::OkStatus();
}

absl::Status SuiteSearching::Run() {
  const std::vector<size_t> lanes = LanesOf(desk);
  for (TaskRun& t : desk.tasks) {
    if (!t.device->in_use() || Holds(t)) continue;
    SuiteMember member{desk.BenchOf(t), t.spec->calls * t.spec->priority, lanes[t.spec->device]};
    if (t.winner.config) member.first = {*t.winner.config};
    t.member = members.size();
    members.push_back(std::move(member));
  }
  if (members.empty()) return absl::OkStatus();
  const SuiteBudget budget = BudgetOf(desk, members.size());
  progress = std::make_unique<SuiteProgress>(members, budget, [this] { desk.SaveNight(); });
  auto search = SearchSuite(members, budget, *progress);
  if (!search.ok()) return search.status();
  for (TaskRun& t : desk.tasks) {
    if (t.member) t.search = search->searches[*t.member];
  }
  for (DeviceRun& d : desk.devices) {
    const auto lost = search->lost.find(d.spec->device.id);
    if (lost != search->lost.end()) desk.Lose(d, std::string(lost->second.message()));
  }
  result = *std::move(search);
  return absl::OkStatus();
}

}  // namespace halyard
