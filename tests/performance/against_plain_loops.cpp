// What tuning is worth on a device without an operating system: the best configs of a log beside
// plain loops that arm-none-eabi-g++ -O3 compiled, of the same sizes as constants, on the same
// board in the same firmware:
//   against_plain_loops LOG DEVICE
// such as `against_plain_loops tuned.db cortex-m7`; prints cycles (or ns) of both and their ratio.

#include <filesystem>
#include <fstream>

#include "fmt/format.h"
#include "logs/measurement_log.h"
#include "logs/queries.h"
#include "targets/child_process.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

constexpr char kOpening[] = R"(
struct Buffer { unsigned long long device; void* iface; float* host; };
static void loops(const float* __restrict a, const float* __restrict b, float* __restrict out) {
)";
constexpr char kClosing[] = R"(
}
extern "C" int kernel_argv(void** args) {
  loops(((Buffer*)args[1])->host, ((Buffer*)args[2])->host, ((Buffer*)args[3])->host);
  return 0;
}
)";

std::string GemmLoops(const Workload& w) {
  return fmt::format(R"(
  for (int i = 0; i < {0}; i++)
    for (int j = 0; j < {1}; j++) {{
      float sum = 0;
      for (int k = 0; k < {2}; k++) sum += a[i * {2} + k] * b[k * {1} + j];
      out[i * {1} + j] = sum;
    }})",
                     w.shape[0], w.shape[1], w.shape[2]);
}

// NHWC, no groups, no dilation.
std::string ConvLoops(const Workload& w, const BufferSpec& output) {
  return fmt::format(
      R"(
  for (int n = 0; n < {0}; n++)
    for (int y = 0; y < {7}; y++)
      for (int x = 0; x < {8}; x++)
        for (int co = 0; co < {4}; co++) {{
          float sum = 0;
          for (int ky = 0; ky < {5}; ky++)
            for (int kx = 0; kx < {6}; kx++) {{
              const int iy = y * {9} + ky - {10}, ix = x * {9} + kx - {10};
              if (iy < 0 || iy >= {1} || ix < 0 || ix >= {2}) continue;
              for (int ci = 0; ci < {3}; ci++)
                sum += a[((n * {1} + iy) * {2} + ix) * {3} + ci] *
                       b[((ky * {6} + kx) * {3} + ci) * {4} + co];
            }}
          out[((n * {7} + y) * {8} + x) * {4} + co] = sum;
        }})",
      w.shape[0], w.shape[1], w.shape[2], w.shape[3], w.shape[4], w.shape[5], w.shape[6],
      output.extents[1], output.extents[2], w.attribute("stride"), w.attribute("pad"));
}

// Cycles or ns of an artifact whose answer is right.
absl::StatusOr<double> Measure(const Task& task, Executor& executor, const std::string& path,
                               EntrySpec entry) {
  const Expectation expected = Expect(*task.op, task.workload, 1);
  entry.probe_points = expected.points;
  entry.projection = expected.projection.has_value();
  RunRequest request;
  request.mode = executor.board_kind() == BoardKind::kVirtual ? RunMode::kCount : RunMode::kMeasure;
  request.seed = 1;
  request.candidates = {{path, {entry}}};
  const RunOutcome run = executor.Run(request, std::chrono::seconds(60));
  if (run.status != RunStatus::kOk) return absl::UnavailableError(run.message);
  const EntryResult& result = run.reply.candidates.at(0).at(0);
  if (const std::string why = WhyWrong(expected, result); !why.empty()) {
    return absl::InternalError(why);
  }
  return result.samples_ns.empty() ? result.serial_cycles : result.samples_ns.back();
}

absl::StatusOr<double> MeasureLoops(const Task& task, Executor& executor) {
  const bool gemm = task.workload.op == "gemm";
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.inputs = task.op->InputShapes(task.workload);
  entry.output = task.op->OutputShape(task.workload);
  entry.canonical_output = entry.output.extents;
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("plain_loops-{}.o", getpid())).string();
  std::ofstream(path + ".cpp") << kOpening
                               << (gemm ? GemmLoops(task.workload)
                                        : ConvLoops(task.workload, entry.output))
                               << kClosing;
  const ChildResult r =
      RunChild({"arm-none-eabi-g++", "-O3", "-mcpu=" + task.device.firmware->llc_cpu, "-mthumb",
                "-mfloat-abi=hard", "-mfpu=auto", "-ffreestanding", "-ffp-contract=fast",
                "-fno-exceptions", "-c", path + ".cpp", "-o", path},
               "", ChildLimits{});
  absl::StatusOr<double> measured =
      r.exit_code == 0 ? Measure(task, executor, path, entry) : absl::InternalError(r.err);
  for (const char* suffix : {"", ".cpp"}) std::filesystem::remove(path + suffix);
  return measured;
}

int Run(const std::string& log_path, const std::string& device_id) {
  const Device device = LoadDevice(device_id).value();
  const auto log = OpenSqliteLog(log_path, LogMode::kRead).value();
  const auto executor = MakeExecutor(device).value();
  const auto builder = MakeWorkerBuilder({}).value();
  RecordFilter filter;
  filter.device = device.id;
  filter.unit = UnitOf(device.board_kind());
  const std::vector<Record> records = BestRecords(*log, filter).value();
  for (const Record& best : records) {
    const Workload workload = ParseWorkload(best.workload).value();
    const bool plain =
        workload.op == "gemm" || (workload.op == "conv2d" && workload.attribute("groups") == 1 &&
                                  workload.attribute("dilation") == 1);
    const Task task = MakeTask(workload, device);
    if (!plain || task.op->InputShapes(workload).size() != 2) continue;
    const auto built = builder->Build(
        {{BuildKind::kWholeObject, best.workload, best.config, device.loaded_from, "kernel"}});
    if (built[0].outcome != Outcome::kOk) {
      fmt::print("{}: {}\n", best.workload, built[0].message);
      continue;
    }
    const auto tuned = Measure(task, *executor, built[0].path, built[0].entries[0]);
    const auto loops = MeasureLoops(task, *executor);
    if (!tuned.ok() || !loops.ok()) {
      fmt::print("{}: {} {}\n", best.workload, tuned.status().ToString(),
                 loops.status().ToString());
      continue;
    }
    fmt::print("{:<40} {:<11} tuned {:>10.0f}  plain loops {:>10.0f} {}  ratio {:.2f}\n",
               best.workload, device.id, *tuned, *loops, filter.unit, *loops / *tuned);
  }
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "build-worker") return halyard::BuildWorkerMain();
  if (argc != 3) {
    fmt::print(stderr, "against_plain_loops LOG DEVICE\n");
    return 2;
  }
  return halyard::Run(argv[1], argv[2]);
}
