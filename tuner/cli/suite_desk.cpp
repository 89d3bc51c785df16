#include "tuner/cli/suite_desk.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "fmt/format.h"
#include "tuner/gate/previous_library.h"
#include "tuner/library/generated_text.h"

namespace halyard {

SuiteDesk::SuiteDesk(const SuiteSpec& s, std::chrono::steady_clock::time_point b)
    : spec(s), begin(b), options(s.options) {
  options.trials = std::numeric_limits<int>::max();  // of one task: the scheduler deals them
  options.peer = "none";
}

double SuiteDesk::Elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

int64_t UnixMs(std::chrono::system_clock::time_point t) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

absl::Status SuiteDesk::SetUp() {
  auto made = MakeWorkerBuilder({});
  if (!made.ok()) return made.status();
  builder = std::make_unique<SharedBuilder>(*std::move(made));
  std::vector<Device> all;
  absl::Status error;
  for (const SuiteDevice& d : spec.devices) {
    all.push_back(d.device);
    DeviceRun& run = devices.emplace_back();
    run.spec = &d;
    auto boards = SetUpBoards(d.device, d.farm, "tune suite " + spec.file, *builder, interrupted);
    if (boards.ok()) {
      run.boards = *std::move(boards);
      for (auto& e : run.boards.executors) {
        e = std::make_unique<MeteredExecutor>(std::move(e), meter);
      }
      continue;
    }
    if (error.ok()) error = boards.status();
    Lose(run, std::string(boards.status().message()));
  }
  if (NoneInUse()) return error;
  auto opened = OpenSearchLog(options.log_path, all);
  if (!opened.ok()) return opened.status();
  log = *std::move(opened);
  base_model = BaseModelOf(options);
  if (spec.nightly) {
    if (auto s = BeginNight(); !s.ok()) return s;
  }
  for (const SuiteTask& t : spec.tasks) {
    tasks.emplace_back(t, *std::next(devices.begin(), static_cast<std::ptrdiff_t>(t.device)));
  }
  return absl::OkStatus();
}

absl::Status SuiteDesk::BeginNight() {
  NightState fresh;
  fresh.suite_sha256 = spec.sha256;
  fresh.begun_unix_ms = UnixMs(std::chrono::system_clock::now());
  if (spec.deadline) fresh.deadline_unix_ms = UnixMs(*spec.deadline);
  const std::string stem = std::filesystem::path(spec.file).stem().string();
  auto begun = Night::Begin(fmt::format("{}.{}.night", options.log_path, stem), fresh);
  if (!begun.ok()) return begun.status();
  night = *std::move(begun);
  const NightState& state = night->state();
  seconds_before = state.seconds;
  board_seconds_before = state.board_seconds;
  if (night->resumed()) {
    fmt::print(stderr, "tune: goes on with a suite that was stopped after {:.1f} board-minutes\n",
               state.board_seconds / 60);
  }
  for (DeviceRun& d : devices) {
    const Device& device = d.spec->device;
    d.shipped_before = state.shipped.count(device.id) != 0;
    const std::string folder = options.out_dir + "/" + device.id;
    if (!std::filesystem::exists(folder + "/" + kManifestFile)) continue;
    auto previous = ReadPreviousLibrary(folder, device);
    if (previous.ok()) {
      d.previous = *std::move(previous);
    } else {
      fmt::print(stderr, "tune: {}; it is not compared with\n",
                 std::string(previous.status().message()));
    }
  }
  return absl::OkStatus();
}

void SuiteDesk::Lose(DeviceRun& device, const std::string& why) {
  device.lost = why;
  if (spec.devices.size() > 1) {
    fmt::print(stderr, "tune: {}: {}; the others go on\n", device.spec->device.id, why);
  }
}

bool SuiteDesk::NoneInUse() const {
  return std::none_of(devices.begin(), devices.end(),
                      [](const DeviceRun& d) { return d.lost.empty(); });
}

Workbench SuiteDesk::BenchOf(const TaskRun& t) const {
  return halyard::BenchOf(t.task, options, t.device->boards, *builder, *log, base_model,
                          interrupted);
}

void SuiteDesk::SaveNight() {
  if (!night) return;
  if (auto s = night->Use(Elapsed(), meter.seconds()); !s.ok() && night_saved) {
    night_saved = false;
    fmt::print(stderr, "tune: {}\n", std::string(s.message()));
  }
}

}  // namespace halyard
