#include "tuner/package.h"

#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "logs/queries.h"
#include "schedules/task.h"
#include "tuner/candidate_runner.h"

namespace halyard {

absl::StatusOr<LibraryFiles> PackageFromLog(const Device& device, const MeasurementLog& log,
                                            Builder& builder, const std::string& out_dir) {
  RecordFilter filter;
  filter.device = device.id;
  filter.unit = UnitOf(device.board_kind());
  const auto best = BestRecords(log, filter);
  if (!best.ok()) return best.status();
  LibrarySpec spec;
  spec.device = device;
  // A prefix of C functions, which an id such as cortex-m4 is not.
  spec.name = "tuned_" + absl::StrReplaceAll(device.id, {{"-", "_"}, {".", "_"}});
  spec.out_dir = out_dir + "/" + device.id;
  spec.commit = HALYARD_COMMIT;
  for (const Record& r : *best) {
    const auto workload = ParseWorkload(r.workload);
    if (!workload.ok()) continue;
    const Task task = MakeTask(*workload, device);
    const auto config = task.space.Parse(r.config);
    if (r.space_version != task.space.version() || !config.ok() || !task.space.valid(*config))
      continue;
    spec.variants.push_back({r, *workload});
  }
  if (spec.variants.empty()) {
    return absl::NotFoundError(
        fmt::format("the log has no schedule for --device {}; tune one first", device.id));
  }
  return BuildLibrary(spec, builder);
}

}  // namespace halyard
