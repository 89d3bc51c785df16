// The board runner: reads a RunRequest as JSON on stdin and serves its judge, see judge/; a request
// for the peak has none, and its RunReply is printed on stdout.
//   board_runner
//   board_runner [--sys FOLDER] supervise   FOLDER: in the place of /sys; see supervisor.h
//   board_runner [--sys FOLDER] facts
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>

#include "targets/board_runner/count.h"
#include "targets/board_runner/kernel.h"
#include "targets/board_runner/peak.h"
#include "targets/board_runner/settle.h"
#include "targets/board_runner/supervisor.h"
#include "targets/board_runner/symbol_table.h"
#include "targets/board_runner/worker.h"
#include "targets/json_integer.h"
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

// Empty, or one line with what is wrong with the request.
std::string ReadRequest(const std::string& input, RunRequest* request) {
  try {
    const auto json = nlohmann::json::parse(input);
    if (const int protocol = IntegerOf<int>(json.at("protocol")); protocol != kRunProtocolVersion) {
      return "protocol " + std::to_string(protocol) + ", this runner speaks " +
             std::to_string(kRunProtocolVersion);
    }
    json.get_to(*request);
  } catch (const nlohmann::json::exception& e) {
    return std::string("bad request: ") + e.what();
  }
  return request->threads < 1 || request->threads > 4096 ? "bad number of threads" : "";
}

RunReply MeasurePeak(const RunRequest& request) {
  RunReply reply;
  reply.peak_gflops = MeasureFmaGflops(request.threads);
  reply.copy_gb_per_s = MeasureCopyGbPerS(request.threads);
  return reply;
}

int Main() {
  // Nothing a kernel prints may mix with a reply, nor can one write a reply of its own.
  const int reply_fd = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  try {
    RunRequest request;
    const std::string why_not = ReadRequest(ReadAll(STDIN_FILENO), &request);
    if (why_not.empty()) ConfigureHalideRuntime(request.threads);
    if (why_not.empty() && request.mode == RunMode::kPeak) {
      WriteAll(reply_fd, nlohmann::json(MeasurePeak(request)).dump());
      return 0;
    }
    close(reply_fd);
    if (request.mode == RunMode::kCount) {
      ConfigureCounting(request.threads);
    } else {
      WatchParallelLoops(request.threads);
    }
    ServeJudge(request, why_not);
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
  _exit(halyard::Main());
}
