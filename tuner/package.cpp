#include "tuner/package.h"

#include <cctype>

#include "fmt/format.h"
#include "logs/queries.h"
#include "schedules/task.h"
#include "tuner/task_records.h"

namespace halyard {

namespace {

// Of every workload of the device, by this compiler where it has been measured with it.
absl::StatusOr<std::vector<Record>> BestOfWorkloads(const Device& device, const MeasurementLog& log,
                                                    const std::string& compiler) {
  RecordFilter filter = RecordsOfDevice(device);
  auto best = BestRecords(log, filter);
  if (!best.ok()) return best;
  filter.compiler = RecordedCompiler(compiler, device);
  const auto here = BestRecords(log, filter);
  if (!here.ok()) return here;
  for (Record& any : *best) {
    for (const Record& r : *here) {
      if (r.workload == any.workload && r.unit == any.unit && r.board_kind == any.board_kind)
        any = r;
    }
  }
  return best;
}

}  // namespace

std::string LibraryName(const Device& device) {
  std::string name = "tuned_" + device.id;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

absl::StatusOr<LibrarySpec> LibraryOfLog(const Device& device, const MeasurementLog& log,
                                         const std::string& compiler, const std::string& out_dir,
                                         const std::string& signing_key) {
  const auto best = BestOfWorkloads(device, log, compiler);
  if (!best.ok()) return best.status();
  LibrarySpec spec;
  spec.device = device;
  spec.name = LibraryName(device);
  spec.out_dir = out_dir + "/" + device.id;
  spec.commit = HALYARD_COMMIT;
  spec.signing_key = signing_key;
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
    const auto other = OtherHardwareNote(log, device);
    if (!other.ok()) return other.status();
    return absl::NotFoundError(
        fmt::format("the log has no schedule for --device {}; tune one first{}", device.id,
                    other->empty() ? "" : " (" + *other + ")"));
  }
  return spec;
}

absl::StatusOr<LibraryFiles> PackageFromLog(const Device& device, const MeasurementLog& log,
                                            Builder& builder, const std::string& out_dir,
                                            const std::string& signing_key) {
  const auto spec = LibraryOfLog(device, log, builder.compiler(), out_dir, signing_key);
  if (!spec.ok()) return spec.status();
  return BuildLibrary(*spec, builder);
}

}  // namespace halyard
