#include "rpc_farm/sandbox/sandbox.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace halyard {
namespace {

constexpr char kNobody[] = "65534";
constexpr int kSignalBase = 128;
constexpr int kMostSignals = 64;

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string Remedy(const std::string& error) {
  if (absl::StrContains(error, "namespace") || absl::StrContains(error, "uid map")) {
    return "let ordinary users make namespaces (sysctl user.max_user_namespaces > 0, "
           "kernel.unprivileged_userns_clone=1 where there is one, "
           "kernel.apparmor_restrict_unprivileged_userns=0 where there is one)";
  }
  if (absl::StrContains(error, "SECCOMP")) return "boot a kernel with CONFIG_SECCOMP_FILTER";
  return "see that `bwrap --unshare-all --ro-bind / / true` works for this user";
}

absl::Status Refuse(const std::string& what, const std::string& remedy) {
  return absl::FailedPreconditionError(
      fmt::format("no sandbox for native candidates: {}: {}", what, remedy));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Sandbox>> Sandbox::Make(const SandboxOptions& options) {
  std::shared_ptr<Sandbox> sandbox(new Sandbox(options));
  absl::StatusOr<std::string> native = CompileFilter(SystemCalls::kNative);
  if (!native.ok()) return native.status();
  absl::StatusOr<std::string> emulator = CompileFilter(SystemCalls::kEmulator);
  if (!emulator.ok()) return emulator.status();
  sandbox->native_filter_ = *std::move(native);
  sandbox->emulator_filter_ = *std::move(emulator);
  const SandboxedProgram nothing = {
      {"/bin/true"},
      {"/bin", "/lib", "/lib64", "/usr/bin", "/usr/lib", "/usr/lib64"},
      {},
      SystemCalls::kEmulator};
  const ChildResult child = sandbox->Run(nothing, "", ChildLimits{});
  if (child.exit_code == 0) return sandbox;
  if (access(options.bwrap.c_str(), X_OK) != 0 && !child.started &&
      absl::StartsWith(child.err, options.bwrap + ": ")) {
    return Refuse(FirstLine(child.err), "install the package bubblewrap");
  }
  const std::string error = child.timed_out     ? "bwrap does not end"
                            : child.signal != 0 ? fmt::format("killed by signal {}", child.signal)
                            : child.err.empty() ? fmt::format("bwrap exits {}", child.exit_code)
                                                : FirstLine(child.err);
  return Refuse(error, Remedy(error));
}

std::vector<std::string> Sandbox::Command(const SandboxedProgram& program) const {
  std::error_code gone;
  std::filesystem::path here = std::filesystem::current_path(gone);
  if (gone) here = "/";
  std::vector<std::string> command = {options_.bwrap, "--unshare-user", "--unshare-pid",
                                      "--unshare-net", "--unshare-ipc", "--unshare-uts",
                                      // "-try": a kernel may be built without.
                                      "--unshare-cgroup-try", "--die-with-parent", "--uid", kNobody,
                                      "--gid", kNobody, "--cap-drop", "ALL", "--clearenv", "--size",
                                      std::to_string(options_.scratch_bytes), "--tmpfs", "/tmp"};
  const auto see = [&](const char* how, const std::string& path) {
    const std::string absolute = (here / path).lexically_normal();
    command.insert(command.end(), {how, absolute, absolute});
  };
  for (const std::string& path : program.readable) see("--ro-bind-try", path);
  for (const std::string& path : program.writable) see("--bind", path);
  // An empty folder of this one's name: relative names mean the same inside.
  command.insert(command.end(),
                 {"--dir", here.string(), "--chdir", here.string(), "--remount-ro", "/",
                  "--seccomp", std::to_string(kFilterFd), "--", FindProgram(program.argv.at(0))});
  command.insert(command.end(), program.argv.begin() + 1, program.argv.end());
  return command;
}

int Sandbox::OpenFilter(SystemCalls calls) const {
  const std::string& filter = calls == SystemCalls::kNative ? native_filter_ : emulator_filter_;
  const int file = memfd_create("filter", MFD_CLOEXEC);
  if (file < 0) return -1;
  if (write(file, filter.data(), filter.size()) == static_cast<ssize_t>(filter.size()) &&
      lseek(file, 0, SEEK_SET) == 0) {
    return file;
  }
  close(file);
  return -1;
}

ChildResult Sandbox::Run(const SandboxedProgram& program, const std::string& input,
                         ChildLimits limits) const {
  const int filter = OpenFilter(program.calls);
  if (filter < 0) {
    ChildResult result;
    result.err = "no memory for the system call filter";
    return result;
  }
  limits.inherited[kFilterFd] = filter;
  ChildResult result = RunChild(Command(program), input, limits);
  close(filter);
  if (result.exit_code > kSignalBase && result.exit_code <= kSignalBase + kMostSignals) {
    result.signal = result.exit_code - kSignalBase;
    result.exit_code = -1;
  }
  // A program that prints the same and exits so is taken for one that never ran: it gains nothing.
  if (result.exit_code == 1 && absl::StartsWith(result.err, "bwrap: ")) result.started = false;
  return result;
}

}  // namespace halyard
