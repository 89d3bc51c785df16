#include "tuner/library/link_archive.h"

#include <cstring>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "fmt/format.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

absl::Status Run(const std::vector<std::string>& argv) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(60);
  const ChildResult r = RunChild(argv, "", limits);
  if (!r.started) {
    return absl::NotFoundError(fmt::format("{} could not be started; install it", argv[0]));
  }
  if (r.timed_out) {
    return absl::InternalError(fmt::format("{} did not end within a minute", argv[0]));
  }
  if (r.exit_code == 0) return absl::OkStatus();
  // A crashing LLVM tool asks for a bug report first; the signal says more.
  const std::string text =
      r.signal != 0 ? fmt::format("{} was ended by {}", argv[0], strsignal(r.signal))
                    : fmt::format("{} failed: {}", argv[0], r.err.substr(0, r.err.find('\n')));
  return r.err.find("No space left") != std::string::npos ? absl::ResourceExhaustedError(text)
                                                          : absl::InternalError(text);
}

}  // namespace

absl::StatusOr<CCompiler> FindCCompiler(const Device& device) {
  const std::string program =
      device.toolchain == HALYARD_BUILD_TRIPLET ? "cc" : device.toolchain + "-gcc";
  const ChildResult r = RunChild({program, "--version"}, "", ChildLimits{});
  if (!r.started || r.exit_code != 0) {
    return absl::NotFoundError(
        fmt::format("C compiler {} for {} cannot be run; install it", program, device.id));
  }
  CCompiler compiler{program, r.out.substr(0, r.out.find('\n')), {}};
  // Otherwise atomics are calls into libgcc, which a user's linker may not bring.
  if (device.firmware) {
    compiler.flags = {"-mcpu=" + device.firmware->llc_cpu,
                      "-mthumb",
                      "-mfloat-abi=hard",
                      "-mfpu=auto",
                      "-ffreestanding",
                      "-ffunction-sections",
                      "-fno-pic"};
  }
  if (device.toolchain.starts_with("aarch64")) compiler.flags = {"-mno-outline-atomics"};
  return compiler;
}

absl::Status CompileC(const CCompiler& compiler, const std::string& source,
                      const std::string& object) {
  std::vector<std::string> command = {
      compiler.program, "-std=gnu11", "-O2", "-fPIC", "-Wall", "-Wextra", "-I",
      std::filesystem::path(source).parent_path().string(),
      // System, not ours to warn about.
      "-isystem", HALYARD_HALIDE_INCLUDE, "-c", source, "-o", object};
  command.insert(command.end(), compiler.flags.begin(), compiler.flags.end());
  return Run(command);
}

absl::Status LinkObjects(const std::vector<std::string>& objects, const std::string& whole) {
  std::vector<std::string> link = {HALYARD_LLD, "-r", "-o", whole};
  link.insert(link.end(), objects.begin(), objects.end());
  return Run(link);
}

absl::Status ArchiveObject(const std::string& whole, const std::vector<std::string>& exported,
                           const std::string& scratch, const std::string& archive) {
  // Named after the library: it is what a debugger and a linker map show.
  const std::string member =
      scratch + "/" + std::filesystem::path(archive).stem().string().substr(3) + ".o";
  // Without the COMDAT groups: a linker keeps one group of a name in a whole program, and a second
  // library would be left with calls into sections of its own that were dropped.
  std::vector<std::string> hide = {HALYARD_OBJCOPY, "--remove-section=.group", "--strip-debug"};
  for (const std::string& symbol : exported) hide.push_back("--keep-global-symbol=" + symbol);
  hide.insert(hide.end(), {whole, member});
  if (auto s = Run(hide); !s.ok()) return s;

  // D: no times, owners or modes, so that the same objects give the same bytes.
  return Run({HALYARD_AR, "rcsD", archive, member});
}

absl::Status MakeArchive(const std::vector<std::string>& objects, const std::string& runtime,
                         const std::vector<std::string>& exported, const std::string& scratch,
                         const std::string& archive) {
  const std::string own_runtime = scratch + "/runtime.o", whole = scratch + "/whole.o";
  std::vector<std::string> rename = {HALYARD_OBJCOPY};
  for (const char* call : {"dlopen", "dlsym", "dlerror"}) {
    rename.push_back(absl::StrCat("--redefine-sym=", call, "=halyard_no_", call));
  }
  rename.insert(rename.end(), {runtime, own_runtime});
  if (auto s = Run(rename); !s.ok()) return s;

  std::vector<std::string> all = objects;
  all.push_back(own_runtime);
  if (auto s = LinkObjects(all, whole); !s.ok()) return s;
  return ArchiveObject(whole, exported, scratch, archive);
}

}  // namespace halyard
