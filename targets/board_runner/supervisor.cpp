#include "targets/board_runner/supervisor.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "targets/board_facts.h"
#include "targets/judge/judged_child.h"
#include "targets/supervision.h"

namespace halyard {
namespace {

constexpr int kRequestFd = 3;
constexpr size_t kLongestRequest = size_t{256} << 20;

// False at an end of file before all of it.
bool ReadExactly(int fd, char* to, size_t bytes) {
  while (bytes > 0) {
    const ssize_t n = read(fd, to, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    bytes -= static_cast<size_t>(n);
  }
  return true;
}

bool ReadRequest(std::string* text) {
  std::string digits;
  for (char c = 0; ReadExactly(kRequestFd, &c, 1) && c != '\n' && digits.size() < 12;) digits += c;
  const size_t bytes = std::strtoull(digits.c_str(), nullptr, 10);
  if (bytes == 0 || bytes > kLongestRequest) return false;
  text->resize(bytes);
  return ReadExactly(kRequestFd, text->data(), bytes);
}

void Print(const nlohmann::json& answer) {
  const std::string line = MarkedLine(answer);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

// Android only; elsewhere there is no such program.
std::optional<int64_t> ThermalStatus() {
  if (access("/system/bin/dumpsys", X_OK) != 0) return std::nullopt;
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(1);
  const int status =
      ThermalStatusOf(RunChild({"/system/bin/dumpsys", "thermalservice"}, "", limits).out);
  if (status < 0) return std::nullopt;
  return status;
}

}  // namespace

int ThermalStatusOf(const std::string& dumpsys) {
  static constexpr char kKey[] = "Thermal Status: ";
  const size_t at = dumpsys.find(kKey);
  if (at == std::string::npos) return -1;
  const char* number = dumpsys.c_str() + at + sizeof(kKey) - 1;
  return *number >= '0' && *number <= '9' ? std::atoi(number) : -1;
}

int Supervise(const std::string& sys_root) {
  // The worker may be the same user's: it is not to look into the judge's memory.
  prctl(PR_SET_DUMPABLE, 0);
  std::string text;
  if (!ReadRequest(&text)) {
    std::fputs("no request to supervise\n", stderr);
    return 2;
  }
  try {
    const auto supervision = nlohmann::json::parse(text).get<Supervision>();
    SupervisedRun run;
    ChildLimits limits;
    limits.deadline = std::chrono::milliseconds(supervision.deadline_ms);
    limits.memory_bytes = supervision.memory_bytes;
    limits.watched_fd = STDIN_FILENO;
    run.thermal_status_before = ThermalStatus();
    const auto request = nlohmann::json::parse(supervision.request).get<RunRequest>();
    run.runner = RunJudgedChild(request, sys_root, limits,
                                [](const std::string& input, const ChildLimits& within) {
                                  return RunChild({"/proc/self/exe"}, input, within);
                                });
    run.thermal_status_after = ThermalStatus();
    Print(run);
  } catch (const nlohmann::json::exception& e) {
    std::fprintf(stderr, "bad request to supervise: %s\n", e.what());
    return 2;
  }
  return 0;
}

int PrintFacts(const std::string& sys_root) {
  Print(ReadBoardFacts(sys_root, "."));
  return 0;
}

}  // namespace halyard
