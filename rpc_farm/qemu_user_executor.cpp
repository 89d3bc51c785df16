#include "rpc_farm/qemu_user_executor.h"

#include <fmt/format.h>

#include <fstream>

#include "rpc_farm/plugin_report.h"
#include "rpc_farm/read_file.h"
#include "rpc_farm/runner_outcome.h"
#include "rpc_farm/temporary_folder.h"
#include "targets/child_process.h"
#include "targets/judge/judged_child.h"

namespace halyard {
namespace {

// qemu itself: code buffer, translation tables, libraries.
constexpr int64_t kQemuBytes = int64_t{1} << 30;
// A parallel region costs a report some hundred bytes.
constexpr int64_t kMostReportBytes = int64_t{256} << 20;

// The runner's heap begins with the request it reads, and what a kernel's threads share lies behind
// it: a longer path moves that to other cache sets, and a count by some cycles. Slashes at a path's
// beginning are one slash, however many (POSIX.1-2017, 4.13, from three on).
void Pad(std::string* path) {
  constexpr size_t kStep = 512;
  if (path->empty() || path->front() != '/') return;  // nothing that an executor is given
  const size_t length = (path->size() + 3 + kStep - 1) / kStep * kStep;
  path->insert(0, length - path->size(), '/');
}

}  // namespace

absl::StatusOr<std::unique_ptr<QemuUserExecutor>> QemuUserExecutor::Make(
    std::string qemu, std::string plugin, std::string runner, const Device& device,
    std::shared_ptr<const Sandbox> sandbox) {
  const ChildResult version = RunChild({qemu, "--version"}, "", ChildLimits{});
  if (!version.started || version.exit_code != 0) {
    return absl::FailedPreconditionError(fmt::format(
        "{} does not run ({}): install the package qemu-user", qemu, OneLine(version.err)));
  }
  std::unique_ptr<QemuUserExecutor> executor(new QemuUserExecutor);
  executor->qemu_ = std::move(qemu);
  executor->qemu_version_ = OneLine(version.out.substr(0, version.out.find('\n')));
  executor->plugin_ = std::move(plugin);
  executor->runner_ = std::move(runner);
  executor->device_ = device;
  executor->sandbox_ = std::move(sandbox);
  executor->model_ = nlohmann::json(device.virtual_board.model).dump();
  return executor;
}

RunReply QemuUserExecutor::PeakOfDevice() const {
  RunReply reply;
  reply.peak_gflops = device_.clock_ghz * device_.peak_flop_per_cycle();
  reply.copy_gb_per_s = device_.copy_gb_per_s;
  return reply;
}

SandboxedProgram QemuUserExecutor::Contained(const std::vector<std::string>& argv,
                                             const RunRequest& request, const std::string& model,
                                             const std::string& report) const {
  SandboxedProgram program;
  program.argv = argv;
  program.calls = SystemCalls::kEmulator;
  // qemu links twenty libraries; with all of them in one folder that is read-only, and nobody's
  // secret, their names need not be known.
  program.readable = {"/lib", "/lib64", "/usr/lib", "/usr/local/lib"};
  program.readable.insert(program.readable.end(), {FindProgram(qemu_), plugin_, runner_, model});
  for (const CandidateSpec& candidate : request.candidates) {
    program.readable.push_back(candidate.artifact_path);
  }
  program.writable = {report};
  return program;
}

RunOutcome QemuUserExecutor::Run(const RunRequest& request, std::chrono::milliseconds deadline) {
  if (request.mode == RunMode::kPeak) return {RunStatus::kOk, "", PeakOfDevice()};
  const TemporaryFolder folder;
  if (folder.path().empty()) return {RunStatus::kInfra, "cannot make a temporary folder", {}};
  const std::string report = folder.path() + "/report.json", model = folder.path() + "/model.json";
  std::ofstream(model) << model_;
  RunRequest counted = request;
  counted.mode = RunMode::kCount;
  counted.timing = {};
  for (CandidateSpec& candidate : counted.candidates) Pad(&candidate.artifact_path);
  if (request.mode == RunMode::kInterleave) {
    for (CandidateSpec& candidate : counted.candidates) candidate.entries.resize(1);
  }

  ChildLimits limits;
  limits.deadline = deadline;
  limits.memory_bytes = device_.memory_bytes + kQemuBytes;
  limits.fixed_addresses = true;
  limits.file_bytes = kMostReportBytes;
  // -seed: the random bytes the kernel hands to a program; -0: a name of fixed length; -U: bwrap
  // tells the folder it runs in.
  std::vector<std::string> argv = {qemu_, "-cpu", device_.virtual_board.qemu_cpu};
  argv.insert(argv.end(), {"-seed", "1", "-U", "PWD", "-0", "runner"});
  argv.insert(argv.end(), {"-plugin", fmt::format("{},model={},out={}", plugin_, model, report)});
  argv.push_back(runner_);
  std::ofstream(report).close();
  const auto start = [&](const std::string& input, const ChildLimits& within) {
    return sandbox_ == nullptr
               ? RunChild(argv, input, within)
               : sandbox_->Run(Contained(argv, request, model, report), input, within);
  };
  const ChildResult child = RunJudgedChild(counted, "/sys", limits, start);
  RunOutcome outcome = OutcomeOfRunner(child, counted);
  if (outcome.status != RunStatus::kOk) return outcome;
  if (absl::Status status = AddPluginReport(ReadFile(report), &outcome.reply); !status.ok()) {
    outcome.status = RunStatus::kInfra;
    outcome.message = OneLine(std::string(status.message()) + " " + child.err);
  }
  return outcome;
}

std::string QemuUserExecutor::board_id() const { return "virtual-" + device_.id; }

std::string QemuUserExecutor::environment() const {
  return fmt::format("{}, cpu {}", qemu_version_, device_.virtual_board.qemu_cpu);
}

}  // namespace halyard
