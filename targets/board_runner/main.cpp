// The board runner: reads a RunRequest as JSON on stdin, runs it, prints a RunReply on stdout.
//   board_runner [--sys FOLDER]             FOLDER: in the place of /sys
//   board_runner [--sys FOLDER] supervise   see supervisor.h
//   board_runner [--sys FOLDER] facts
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "targets/board_runner/count.h"
#include "targets/board_runner/elf_loader.h"
#include "targets/board_runner/kernel.h"
#include "targets/board_runner/peak.h"
#include "targets/board_runner/supervisor.h"
#include "targets/board_runner/symbol_table.h"
#include "targets/board_runner/timing.h"
#include "targets/json_integer.h"
#include "targets/run_protocol.h"

namespace halyard {
namespace {

using Kernels = std::vector<std::unique_ptr<Kernel>>;

std::string ReadAll(int fd) {
  std::string text;
  char chunk[65536];
  ssize_t n = 0;
  while ((n = read(fd, chunk, sizeof(chunk))) > 0) text.append(chunk, static_cast<size_t>(n));
  return text;
}

void WriteAll(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<size_t>(n);
  }
}

std::unique_ptr<LoadedElf> LoadArtifact(const std::string& path, RunReply* reply) {
  std::vector<uint8_t> file;
  if (!ReadArtifact(path, &file, &reply->error)) {
    reply->rejected = !file.empty();  // it is there, and too large
    return nullptr;
  }
  auto elf = LoadedElf::Load(file, ResolveSymbol, &reply->error);
  reply->rejected = elf == nullptr;
  return elf;
}

std::unique_ptr<Kernel> MakeKernel(const LoadedElf& elf, const EntrySpec& entry, uint64_t seed,
                                   RunReply* reply) {
  auto kernel = Kernel::Make(elf, entry, seed, &reply->error);
  reply->rejected = kernel == nullptr;
  return kernel;
}

bool RunEachEntry(const RunRequest& request, ConditionsWatch& watch, RunReply* reply) {
  for (const CandidateSpec& candidate : request.candidates) {
    const auto elf = LoadArtifact(candidate.artifact_path, reply);
    if (elf == nullptr) return false;
    std::vector<EntryResult> results;
    for (const EntrySpec& entry : candidate.entries) {
      const auto kernel = MakeKernel(*elf, entry, request.seed, reply);
      if (kernel == nullptr) return false;
      results.push_back(request.mode == RunMode::kCount
                            ? CountEntry(*kernel, request.caches_warm)
                            : MeasureEntry(*kernel, request.timing, watch));
    }
    reply->candidates.push_back(std::move(results));
  }
  return true;
}

bool RunInterleaved(const RunRequest& request, ConditionsWatch& watch, RunReply* reply) {
  std::vector<std::unique_ptr<LoadedElf>> artifacts;
  Kernels kernels;
  for (const CandidateSpec& candidate : request.candidates) {
    if (candidate.entries.empty()) {
      reply->error = "a candidate has no entry";
      reply->rejected = true;
      return false;
    }
    artifacts.push_back(LoadArtifact(candidate.artifact_path, reply));
    if (artifacts.back() == nullptr) return false;
    kernels.push_back(MakeKernel(*artifacts.back(), candidate.entries[0], request.seed, reply));
    if (kernels.back() == nullptr) return false;
  }
  for (EntryResult& result :
       MeasureInterleaved(kernels, request.rounds, request.seed, request.timing, watch)) {
    reply->candidates.push_back({std::move(result)});
  }
  return true;
}

RunReply Serve(const std::string& input, const std::string& sys_root) {
  RunReply reply;
  ConditionsWatch watch(sys_root);
  try {
    const auto json = nlohmann::json::parse(input);
    if (const int protocol = IntegerOf<int>(json.at("protocol")); protocol != kRunProtocolVersion) {
      reply.error = "protocol " + std::to_string(protocol) + ", this runner speaks " +
                    std::to_string(kRunProtocolVersion);
      return reply;
    }
    const auto request = json.get<RunRequest>();
    if (request.threads < 1 || request.threads > 4096) {
      reply.error = "bad number of threads";
      return reply;
    }
    ConfigureHalideRuntime(request.threads);
    switch (request.mode) {
      case RunMode::kPeak:
        reply.peak_gflops = MeasureFmaGflops(request.threads);
        reply.copy_gb_per_s = MeasureCopyGbPerS(request.threads);
        break;
      case RunMode::kInterleave:
        RunInterleaved(request, watch, &reply);
        break;
      case RunMode::kCount:
        ConfigureCounting(request.threads);
        [[fallthrough]];
      case RunMode::kMeasure:
        RunEachEntry(request, watch, &reply);
        break;
    }
  } catch (const nlohmann::json::exception& e) {
    reply.error = std::string("bad request: ") + e.what();
  }
  reply.before = watch.before();
  reply.after = watch.after();
  return reply;
}

int Main(const std::string& sys_root) {
  // Nothing a kernel prints may mix with the reply.
  const int reply_fd = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    WriteAll(reply_fd, nlohmann::json(Serve(ReadAll(STDIN_FILENO), sys_root)).dump());
  } catch (const std::bad_alloc&) {
    std::fputs("out of memory\n", stderr);
    return kExitOutOfMemory;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  std::string sys_root = "/sys";
  int next = 1;
  if (next + 1 < argc && std::strcmp(argv[next], "--sys") == 0) {
    sys_root = argv[next + 1];
    next += 2;
  }
  const std::string command = next < argc ? argv[next] : "";
  if (command == "supervise") return halyard::Supervise(sys_root);
  if (command == "facts") return halyard::PrintFacts(sys_root);
  // Without destructors: the runtime's would wait for its threads, and a wrong kernel may have
  // damaged what they look at.
  _exit(halyard::Main(sys_root));
}
