#include "tuner/cli/suite_shipping.h"

#include <algorithm>

#include "fmt/format.h"
#include "tuner/library/generated_text.h"
#include "tuner/library/verify_library.h"
#include "tuner/logged_final.h"
#include "tuner/package.h"

namespace halyard {
namespace {

// A final's observer: the suite's, of one member.
class MemberProgress final : public SearchObserver {
 public:
  MemberProgress(SuiteProgress& suite, size_t member) : suite_(suite), member_(member) {}
  ~MemberProgress() override { suite_.OnBatch(member_); }
  void OnPhase(const std::string& what) override { suite_.OnPhase(member_, what); }
  void OnTrial(const SearchResult& so_far) override { suite_.OnTrial(member_, so_far); }

 private:
  SuiteProgress& suite_;
  const size_t member_;
};

// The screening's best as it is, where there can be no final.
FinalResult WithoutFinal(const Task& task, const SearchResult& search) {
  FinalResult f;
  f.winner = search.best()->config;
  f.winner_value = search.best()->value;
  f.baseline = task.space.safe();
  for (const Trial& t : search.trials) {
    if (t.ok && t.config == f.baseline) f.baseline_value = t.value;
  }
  return f;
}

// What ships of a task that was not searched.
absl::StatusOr<FinalResult> AsShipped(const MeasurementLog& log, const TaskRun& t) {
  FinalResult f;
  f.winner = *t.winner.config;
  const bool timed = t.again->record.outcome == Outcome::kOk;
  const Record& record = timed ? t.again->record : t.winner.shipped->record;
  f.winner_value = record.value();
  f.winner_record = record.id;
  f.baseline = t.task.space.safe();
  const auto logged = LoggedConfigs(log, t.task);
  if (!logged.ok()) return logged.status();
  for (const LoggedTrial& trial : *logged) {
    const bool ok = trial.record.outcome == Outcome::kOk;
    if (ok && trial.config == f.baseline) f.baseline_value = trial.record.value();
  }
  return f;
}

// Of each task's final, so that all of them, and the libraries, fit into what the searches left of
// whichever budget is shortest.
double FinalSeconds(const SuiteDesk& desk, size_t tasks) {
  double left = kFinalSeconds * static_cast<double>(tasks);
  if (const auto& time = desk.options.time_seconds) {
    left = std::min(left, 0.6 * kMostReserved * *time);
  }
  if (desk.night && desk.night->state().deadline_unix_ms != 0) {
    const int64_t now = UnixMs(std::chrono::system_clock::now());
    const auto to_deadline = static_cast<double>(desk.night->state().deadline_unix_ms - now);
    left = std::min(left, 0.6 * std::max(0.0, 1e-3 * to_deadline));
  }
  if (const auto& board = desk.spec.board_seconds) left = std::min(left, kMostReserved * *board);
  return left / static_cast<double>(std::max<size_t>(tasks, 1));
}

class Shipping {
 public:
  Shipping(SuiteDesk& desk, const SuiteSearching& searching)
      : desk_(desk),
        searching_(searching),
        final_seconds_(FinalSeconds(desk, searching.members.size())) {}

  // Of one device.
  absl::StatusOr<NightDevice> Ship(DeviceRun& device) {
    const Device& d = device.spec->device;
    NightDevice out{{desk_.spec.file, desk_.spec.networks, d, desk_.options, PartOf(device), {}}};
    out.shipped_before = device.shipped_before;
    if (device.shipped_before) return out;
    bool found = false;
    for (TaskRun& t : desk_.tasks) {
      if (t.device != &device) continue;
      auto row = RowOf(t);
      if (!row.ok()) return row.status();
      found = found || row->final.has_value();
      out.tasks.rows.push_back(*std::move(row));
      desk_.SaveNight();
      if (IsStopped()) return absl::CancelledError("interrupted");
    }
    if (found) {
      const absl::Status shipped = ShipLibrary(device, out);
      if (absl::IsUnavailable(shipped)) {
        desk_.Lose(device, std::string(shipped.message()));
      } else if (!shipped.ok()) {
        return shipped;
      } else if (desk_.night) {
        if (auto s = desk_.night->Ship(d.id); !s.ok()) return s;
      }
    }
    out.lost = device.lost;
    return out;
  }

 private:
  bool IsStopped() const { return desk_.spec.nightly && desk_.interrupted; }

  absl::StatusOr<SuiteRow> RowOf(const TaskRun& t) {
    SuiteRow row{t.task, t.spec->calls, t.search, std::nullopt, "", ""};
    if (t.again) row.again = t.again->message();
    if (!t.member) {
      if (!t.again) return row;
      auto shipped = AsShipped(*desk_.log, t);
      if (!shipped.ok()) return shipped.status();
      row.final = *std::move(shipped);
      return row;
    }
    if (t.search.best() == nullptr) return row;
    if (t.search.resumed == static_cast<int>(t.search.trials.size())) {
      auto logged = LoggedFinal(*desk_.log, t.task);
      if (!logged.ok()) return logged.status();
      row.final = *std::move(logged);
      if (row.final) return row;
    }
    if (!t.device->in_use()) {
      row.final = WithoutFinal(t.task, t.search);
      row.final_failed = "its board was lost";
      return row;
    }
    MemberProgress progress(*searching_.progress, *t.member);
    auto final = RunFinal(searching_.MemberOf(t).bench, t.search, final_seconds_, progress);
    if (absl::IsResourceExhausted(final.status())) return final.status();
    if (!final.ok()) row.final_failed = std::string(final.status().message());
    row.final = final.ok() ? *std::move(final) : WithoutFinal(t.task, t.search);
    return row;
  }

  // The part of the search that is about one device.
  SuiteSearch PartOf(const DeviceRun& device) const {
    const SuiteSearch& all = searching_.result;
    SuiteSearch part;
    part.seconds = all.seconds;
    part.stopped_because = all.stopped_because;
    if (desk_.devices.size() == 1) part.forecast = all.forecast;
    for (const TaskRun& t : desk_.tasks) {
      if (t.device == &device) part.searches.push_back(t.search);
    }
    return part;
  }

  // Nothing of it was searched or comes from another compiler, and the files are as they were.
  bool MayKeepLibrary(const DeviceRun& device) const {
    if (!device.previous) return false;
    for (const TaskRun& t : desk_.tasks) {
      if (t.device != &device) continue;
      if (t.member || t.winner.change != TaskChange::kNone) return false;
    }
    return VerifyLibrary(device.previous->folder, "").ok();
  }

  absl::Status ShipLibrary(const DeviceRun& device, NightDevice& out) {
    const Device& d = device.spec->device;
    if (MayKeepLibrary(device)) {
      const ShippedLibrary& kept = *device.previous;
      out.library_kept = true;
      out.tasks.library = fmt::format("{}/lib{}.a", kept.folder, kept.name);
      out.tasks.header = fmt::format("{}/{}.h", kept.folder, kept.name);
      out.tasks.manifest = fmt::format("{}/{}", kept.folder, kManifestFile);
      return absl::OkStatus();
    }
    auto spec = LibraryOfLog(d, *desk_.log, desk_.builder->compiler(), desk_.options.out_dir,
                             desk_.spec.signing_key);
    if (!spec.ok()) return spec.status();
    if (desk_.spec.gate && device.previous && device.in_use()) {
      GateBench bench{d, *desk_.builder, *device.boards.executors.front(), *desk_.log,
                      desk_.interrupted};
      auto report = PassGate(bench, *device.previous, *spec,
                             [&](const std::string& what) { Show("gate: " + what); });
      if (!report.ok()) return report.status();
      out.gate = *std::move(report);
    }
    Show("library of " + d.id);
    const auto files = BuildLibrary(*spec, *desk_.builder);
    if (!files.ok()) return files.status();
    out.tasks.library = files->library;
    out.tasks.header = files->header;
    out.tasks.manifest = files->manifest;
    return absl::OkStatus();
  }

  void Show(const std::string& what) {
    if (searching_.progress) searching_.progress->Show(what);
  }

  SuiteDesk& desk_;
  const SuiteSearching& searching_;
  const double final_seconds_;
};

}  // namespace

absl::StatusOr<NightSummary> ShipSuite(SuiteDesk& desk, const SuiteSearching& searching) {
  NightSummary night;
  night.file = desk.spec.file;
  night.stopped_because = searching.result.stopped_because;
  night.board_budget_seconds = desk.spec.board_seconds;
  if (desk.spec.nightly && desk.interrupted) return absl::CancelledError("interrupted");
  Shipping shipping(desk, searching);
  for (DeviceRun& device : desk.devices) {
    auto shipped = shipping.Ship(device);
    if (!shipped.ok()) return shipped.status();
    night.devices.push_back(*std::move(shipped));
  }
  return night;
}

}  // namespace halyard
