// The worker's side of building. A worker has Halide and LLVM loaded and no thread of its own, so
// it can fork once per candidate: the fork compiles under a memory cap, the worker holds the clock.

#include <Halide.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <new>

#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "schedules/task.h"
#include "targets/child_process.h"
#include "tuner/build_protocol.h"
#include "tuner/firmware_object.h"
#include "tuner/scratch_bytes.h"

namespace halyard {
namespace {

WorkerAnswer Failed(Outcome outcome, const std::string& message) {
  const size_t end = std::min(message.find('\n'), size_t{400});
  return {outcome, message.substr(0, end), {}};
}

Halide::Target TargetOf(const Device& device) {
  return Halide::Target(device.halide_target + "-no_runtime");
}

// The two functions as one relocatable object that tells how much workspace they use:
// `<symbol>_workspace_bytes`.
void CompileFirmware(const Lowered& lowered, const EntrySpec& entry, const Device& device,
                     const std::string& object) {
  std::vector<std::string> parts = {object + ".kernel.o"};
  int64_t workspace =
      CompileFirmwareObject(lowered.output, lowered.arguments, entry.symbol, device, parts[0]);
  if (entry.prepare) {
    parts.push_back(object + ".prepare.o");
    workspace = std::max(workspace,
                         CompileFirmwareObject(lowered.prepare->output, lowered.prepare->arguments,
                                               entry.prepare->symbol, device, parts[1]));
  }
  LinkRelocatable(parts, {{entry.symbol + "_workspace_bytes", workspace}}, object);
  for (const std::string& part : parts) std::filesystem::remove(part);
}

// Compiles the kernel, and beside it what is done ahead of it, into one object file. `scratch`,
// where given, is told what they ask for.
EntrySpec Compile(const Lowered& lowered, const std::string& symbol, const Device& device,
                  const std::string& object, const Operator& op, const Workload& workload,
                  std::optional<ScratchBytes>* scratch = nullptr) {
  const Halide::Target target = TargetOf(device);
  Halide::Func output = lowered.output;
  EntrySpec entry;
  entry.symbol = symbol;
  entry.inputs = lowered.inputs;
  entry.output = lowered.output_buffer;
  entry.canonical_output = op.OutputShape(workload).extents;
  if (lowered.prepare) {
    entry.prepare = PrepareSpec{symbol + "_pack", lowered.prepare->input, lowered.prepare->packed};
  }
  if (device.firmware) {
    CompileFirmware(lowered, entry, device, object);
    return entry;
  }
  Halide::Module module = output.compile_to_module(lowered.arguments, symbol, target);
  if (lowered.prepare) {
    Halide::Func prepare = lowered.prepare->output;
    module = Halide::link_modules(
        symbol, {module, prepare.compile_to_module(lowered.prepare->arguments,
                                                   entry.prepare->symbol, target)});
  }
  if (scratch != nullptr) *scratch = ScratchOf(module);
  module.compile({{Halide::OutputFileType::object, object}});
  return entry;
}

void Link(const std::vector<std::string>& objects, const std::string& out) {
  std::vector<std::string> argv = {"ld.lld-14", "-shared", "--build-id=none", "-o", out};
  argv.insert(argv.end(), objects.begin(), objects.end());
  const ChildResult r = RunChild(argv, "", ChildLimits{});
  if (!r.started) throw std::runtime_error("ld.lld-14 could not be started");
  if (r.exit_code != 0) throw std::runtime_error("ld.lld-14: " + r.err);
}

void LoadAdams2019() {
  // RTLD_GLOBAL is not needed: loading registers the autoscheduler by name.
  for (const char* path : {"libautoschedule_adams2019.so",
                           "/usr/lib/x86_64-linux-gnu/halide14/libautoschedule_adams2019.so",
                           "/usr/lib/aarch64-linux-gnu/halide14/libautoschedule_adams2019.so"}) {
    if (dlopen(path, RTLD_NOW) != nullptr) return;
  }
  throw std::runtime_error("libautoschedule_adams2019.so is not installed");
}

WorkerAnswer BuildShared(const WorkerRequest& w, const Device& device) {
  const Task task = MakeTask(ParseWorkload(w.request.workload).value(), device);
  WorkerAnswer answer{Outcome::kOk, "", {w.out_path, {}}};
  std::vector<std::string> objects;
  auto compile = [&](const Lowered& lowered, const Workload& workload, const std::string& symbol) {
    objects.push_back(w.out_path + "." + symbol + ".o");
    answer.artifact.entries.push_back(
        Compile(lowered, symbol, device, objects.back(), *task.op, workload));
  };
  if (w.request.kind == BuildKind::kAdams2019) {
    LoadAdams2019();
    Lowered lowered = task.op->LowerUnscheduled(task.workload);
    Halide::Pipeline(lowered.output)
        .auto_schedule("Adams2019", TargetOf(device),
                       Halide::MachineParams(device.cores, device.last_level_bytes(), 40));
    compile(lowered, task.workload, w.request.symbol);
  } else {
    const auto config = task.space.Parse(w.request.config);
    if (!config.ok()) throw std::invalid_argument(std::string(config.status().message()));
    const ConfigView view = task.space.view(*config);
    // A real board measures the whole; an emulated one too slow for that, probes of it.
    std::vector<Workload> sizes = {task.workload};
    if (device.board_kind() == BoardKind::kVirtual) {
      sizes = task.op->Probe(task.workload, device, view).sizes;
      if (sizes.empty()) {
        return Failed(Outcome::kResourceLimit,
                      "two of this config's tasks are too much work for the virtual board");
      }
    }
    for (size_t i = 0; i < sizes.size(); i++) {
      compile(task.op->Lower(sizes[i], device, view), sizes[i],
              fmt::format("{}_{}", w.request.symbol, i));
    }
  }
  if (device.firmware) {
    LinkRelocatable(objects, {}, w.out_path);
  } else {
    Link(objects, w.out_path);
  }
  for (const std::string& o : objects) std::filesystem::remove(o);
  return answer;
}

WorkerAnswer BuildObject(const WorkerRequest& w, const Device& device) {
  WorkerAnswer answer{Outcome::kOk, "", {w.out_path, {}}};
  if (w.request.kind == BuildKind::kRuntime) {
    Halide::compile_standalone_runtime(w.out_path, Halide::Target(device.halide_target));
    return answer;
  }
  if (w.request.kind == BuildKind::kGenericObject) {
    const Operator* op = FindOperator(w.request.workload);
    if (op == nullptr) throw std::invalid_argument("no operator '" + w.request.workload + "'");
    Lowered lowered = op->LowerGeneric(device);
    lowered.output.compile_to_object(w.out_path, lowered.arguments, w.request.symbol,
                                     TargetOf(device));
    return answer;
  }
  const Task task = MakeTask(ParseWorkload(w.request.workload).value(), device);
  const auto config = task.space.Parse(w.request.config);
  if (!config.ok()) throw std::invalid_argument(std::string(config.status().message()));
  answer.artifact.entries = {
      Compile(task.op->Lower(task.workload, device, task.space.view(*config)), w.request.symbol,
              device, w.out_path, *task.op, task.workload, &answer.scratch)};
  return answer;
}

WorkerAnswer BuildOne(const WorkerRequest& w) {
  try {
    const auto device = LoadDevice(w.request.device);
    if (!device.ok()) return Failed(Outcome::kInfraError, std::string(device.status().message()));
    const bool shared =
        w.request.kind == BuildKind::kConfig || w.request.kind == BuildKind::kAdams2019;
    return shared ? BuildShared(w, *device) : BuildObject(w, *device);
  } catch (const std::bad_alloc&) {
    return Failed(Outcome::kResourceLimit, "the compiler ran out of memory");
  } catch (const std::exception& e) {
    return Failed(Outcome::kBuildError, e.what());
  }
}

// Waits until the process ends or the deadline passes; true when it ended.
bool WaitUntil(pid_t pid, std::chrono::milliseconds limit) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  pollfd p{fd, POLLIN, 0};
  const int ready = poll(&p, 1, static_cast<int>(limit.count()));
  close(fd);
  return ready > 0;
}

std::string ReadAll(int fd) {
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  return text;
}

WorkerAnswer BuildInFork(const WorkerRequest& w) {
  // A temporary file, not a pipe, carries the answer: nothing to drain while the clock runs.
  const std::string answer_path = w.out_path + ".answer";
  const pid_t pid = fork();
  if (pid < 0) return Failed(Outcome::kInfraError, "fork failed");
  if (pid == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (w.memory_bytes > 0) {
      const rlimit limit{static_cast<rlim_t>(w.memory_bytes), static_cast<rlim_t>(w.memory_bytes)};
      setrlimit(RLIMIT_AS, &limit);
    }
    const int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    const std::string text =
        nlohmann::json(BuildOne(w)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const int fd = open(answer_path.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    const bool written =
        fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    _exit(written ? 0 : 3);
  }
  setpgid(pid, pid);
  const bool ended = WaitUntil(pid, std::chrono::milliseconds(w.deadline_ms));
  kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) {
    return Failed(Outcome::kBuildTimeout,
                  fmt::format("no artifact after {:.1f} s", w.deadline_ms / 1e3));
  }
  WorkerAnswer answer;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    const int fd = open(answer_path.c_str(), O_RDONLY);
    try {
      answer = nlohmann::json::parse(ReadAll(fd)).get<WorkerAnswer>();
    } catch (const std::exception& e) {
      answer = Failed(Outcome::kInfraError, e.what());
    }
    close(fd);
  } else if (WIFEXITED(status)) {
    answer = Failed(Outcome::kInfraError, "the artifact's folder could not be written");
  } else {
    // LLVM reports a failed allocation by aborting, like its other fatal errors.
    answer = Failed(Outcome::kBuildError,
                    fmt::format("the compiler was ended by {}", strsignal(WTERMSIG(status))));
  }
  std::filesystem::remove(answer_path);
  return answer;
}

}  // namespace

int BuildWorkerMain() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Ctrl-C at a terminal reaches the whole foreground group; the parent decides when workers end.
  signal(SIGINT, SIG_IGN);
  std::string line;
  while (std::getline(std::cin, line)) {
    WorkerAnswer answer;
    try {
      answer = BuildInFork(nlohmann::json::parse(line).get<WorkerRequest>());
    } catch (const std::exception& e) {
      answer = Failed(Outcome::kInfraError, e.what());
    }
    std::cout << nlohmann::json(answer).dump() << std::endl;
  }
  return 0;
}

}  // namespace halyard
