// The board runner: reads a RunRequest as JSON on stdin, runs it, prints a RunReply on stdout.
//   board_runner [--sys FOLDER]             FOLDER: in the place of /sys
//   board_runner [--sys FOLDER] supervise   see supervisor.h
//   board_runner [--sys FOLDER] facts
//   board_runner [--sys FOLDER] --worker COMMAND...  starts its workers by that, with `worker`
//   added board_runner worker                     see worker.h
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <new>
#include <string>

#include "targets/board_runner/count.h"
#include "targets/board_runner/elf_loader.h"
#include "targets/board_runner/judge.h"
#include "targets/board_runner/kernel.h"
#include "targets/board_runner/peak.h"
#include "targets/board_runner/supervisor.h"
#include "targets/board_runner/symbol_table.h"
#include "targets/board_runner/timing.h"
#include "targets/board_runner/worker.h"
#include "targets/run_protocol.h"

namespace halyard {
namespace {

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

// What this program was told on its command line.
struct Settings {
  std::string sys_root = "/sys";
  WorkerCommand worker;
};

bool CountEach(const RunRequest& request, RunReply* reply) {
  for (const CandidateSpec& candidate : request.candidates) {
    std::vector<uint8_t> file;
    if (!ReadArtifact(candidate.artifact_path, &file, &reply->error)) return false;
    const auto elf = LoadedElf::Load(file, ResolveSymbol, &reply->error);
    if (elf == nullptr) return false;
    std::vector<EntryResult> results;
    for (const EntrySpec& entry : candidate.entries) {
      reply->error = Operands::Problem(entry);
      if (!reply->error.empty()) return false;
      Operands operands(entry, request.seed);
      const auto kernel = Kernel::Make(*elf, entry, operands.inputs(), operands.packed(),
                                       operands.output(), &reply->error);
      if (kernel == nullptr) return false;
      results.push_back(CountEntry(operands, *kernel, request.caches_warm));
    }
    reply->candidates.push_back(std::move(results));
  }
  return true;
}

bool MeasureEach(const RunRequest& request, const WorkerCommand& command, ConditionsWatch& watch,
                 RunReply* reply) {
  for (const CandidateSpec& candidate : request.candidates) {
    std::vector<uint8_t> file;
    if (!ReadArtifact(candidate.artifact_path, &file, &reply->error)) return false;
    std::vector<EntryResult> results;
    for (const EntrySpec& entry : candidate.entries) {
      const auto judge =
          Judge::Make(command, file, entry, request.seed, request.threads, &reply->error);
      if (judge == nullptr) return false;
      results.push_back(MeasureEntry(*judge, request.timing, watch));
    }
    reply->candidates.push_back(std::move(results));
  }
  return true;
}

bool MeasureInRounds(const RunRequest& request, const WorkerCommand& command,
                     ConditionsWatch& watch, RunReply* reply) {
  std::vector<std::unique_ptr<Judge>> judges;
  for (const CandidateSpec& candidate : request.candidates) {
    if (candidate.entries.empty()) {
      reply->error = "a candidate has no entry";
      return false;
    }
    std::vector<uint8_t> file;
    if (!ReadArtifact(candidate.artifact_path, &file, &reply->error)) return false;
    judges.push_back(Judge::Make(command, file, candidate.entries[0], request.seed, request.threads,
                                 &reply->error));
    if (judges.back() == nullptr) return false;
  }
  for (EntryResult& result :
       MeasureInterleaved(judges, request.rounds, request.seed, request.timing, watch)) {
    reply->candidates.push_back({std::move(result)});
  }
  return true;
}

RunReply Serve(const std::string& input, const Settings& settings) {
  RunReply reply;
  ConditionsWatch watch(settings.sys_root);
  try {
    const auto json = nlohmann::json::parse(input);
    if (const int protocol = json.at("protocol").get<int>(); protocol != kRunProtocolVersion) {
      reply.error = "protocol " + std::to_string(protocol) + ", this runner speaks " +
                    std::to_string(kRunProtocolVersion);
      return reply;
    }
    const auto request = json.get<RunRequest>();
    if (request.threads < 1 || request.threads > 4096) {
      reply.error = "bad number of threads";
      return reply;
    }
    switch (request.mode) {
      case RunMode::kPeak:
        reply.peak_gflops = MeasureFmaGflops(request.threads);
        reply.copy_gb_per_s = MeasureCopyGbPerS(request.threads);
        break;
      case RunMode::kInterleave:
        MeasureInRounds(request, settings.worker, watch, &reply);
        break;
      case RunMode::kCount:
        ConfigureHalideRuntime(request.threads);
        ConfigureCounting(request.threads);
        CountEach(request, &reply);
        break;
      case RunMode::kMeasure:
        MeasureEach(request, settings.worker, watch, &reply);
        break;
    }
  } catch (const nlohmann::json::exception& e) {
    reply.error = std::string("bad request: ") + e.what();
  }
  reply.before = watch.before();
  reply.after = watch.after();
  return reply;
}

int Main(const Settings& settings) {
  // Nothing a kernel prints may mix with the reply.
  const int reply_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    WriteAll(reply_fd, nlohmann::json(Serve(ReadAll(STDIN_FILENO), settings)).dump());
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
  halyard::Settings settings;
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() >= 2 && words[0] == "--sys") {
    settings.sys_root = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  const std::string command = words.empty() ? "" : words[0];
  if (command == "supervise") return halyard::Supervise(settings.sys_root);
  if (command == "facts") return halyard::PrintFacts(settings.sys_root);
  if (command == "worker") _exit(halyard::RunWorker());
  if (command == "--worker") settings.worker.assign(words.begin() + 1, words.end());
  // Without destructors: the runtime's would wait for its threads, and a wrong kernel may have
  // damaged what they look at.
  _exit(halyard::Main(settings));
}
