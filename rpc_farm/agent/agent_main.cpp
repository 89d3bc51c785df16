// farm_agent: offers this machine's boards to a tracker until it is told to end.
#include <fmt/format.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <cstdio>
#include <cstdlib>

#include "rpc_farm/agent/agent.h"
#include "rpc_farm/agent/board_host.h"
#include "rpc_farm/sandbox/sandbox.h"
#include "rpc_farm/security/credentials.h"
#include "rpc_farm/security/grpc_log.h"
#include "rpc_farm/service_process.h"

namespace halyard {
namespace {

namespace po = boost::program_options;

// As of `tune`.
constexpr int kExitDone = 0, kExitUsage = 2, kExitInfrastructure = 4;

struct CommandLine {
  std::string tracker, boards, certificates, name, cache;
  int64_t cache_mib = 4096;
  double canary_seconds = 60, cooling_seconds = 10;
  bool unsafe_no_sandbox = false;
  pid_t end_with = 0;
};

std::chrono::milliseconds Milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<int64_t>(1000 * seconds));
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

std::string CacheFolder(const std::string& name) {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return fmt::format("{}/halyard/agent-{}", cache, name);
  }
  const char* home = std::getenv("HOME");
  return fmt::format("{}/.cache/halyard/agent-{}", home != nullptr ? home : "", name);
}

// The folder of this program, where board_host lies too.
std::string ProgramFolder() {
  char path[PATH_MAX] = {};
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string text(path, n > 0 ? static_cast<size_t>(n) : 0);
  return text.substr(0, text.rfind('/') + 1);
}

int Fail(int exit_code, const std::string& message) {
  fmt::print(stderr, "farm_agent: {}\n", message);
  return exit_code;
}

po::options_description Options(CommandLine& line) {
  po::options_description options(
      "farm_agent --tracker HOST:PORT --boards FILE\n"
      "Offers this machine's boards to a tracker until it is told to end (Ctrl-C, SIGTERM).\n"
      "Logs one JSON object a line on stderr");
  auto add = options.add_options();
  add("help", "this text");
  add("tracker", po::value(&line.tracker), "where the tracker listens, HOST:PORT");
  add("boards", po::value(&line.boards), "the boards file, as {\"boards\": [{\"name\": ...}]}");
  add("certificates", po::value(&line.certificates),
      "this agent's folder, as `tune farm enroll --role agent` made it; without one, a tracker on "
      "this machine");
  add("name", po::value(&line.name)->default_value(HostName()), "of this agent, in the farm");
  add("cache", po::value(&line.cache), "folder for artifacts; else below ~/.cache/halyard");
  add("cache-mib", po::value(&line.cache_mib)->default_value(line.cache_mib),
      "what it may hold, in MiB");
  add("canary-seconds", po::value(&line.canary_seconds)->default_value(line.canary_seconds),
      "between two runs of the reference kernel on a board, which see it drift");
  add("cooling-seconds", po::value(&line.cooling_seconds)->default_value(line.cooling_seconds),
      "the same on a board that has become too slow to be given work");
  add(kUnsafeNoSandbox, po::bool_switch(&line.unsafe_no_sandbox),
      "candidates may do to this machine whatever this user may");
  add(kEndWithOption, po::value(&line.end_with)->value_name("PID"), kEndWithHelp);
  return options;
}

// Each host makes its own; whether there can be one is said at once.
absl::Status CheckSandbox(const std::vector<BoardEntry>& boards, const CommandLine& line) {
  const bool needed = std::any_of(boards.begin(), boards.end(), [](const BoardEntry& board) {
    return RunsCandidatesHere(board.runs_on());
  });
  if (!needed || line.unsafe_no_sandbox) return absl::OkStatus();
  const absl::Status s = Sandbox::Make().status();
  if (s.ok()) return s;
  return absl::FailedPreconditionError(
      fmt::format("{}; or give --{} where nobody but you can reach the farm",
                  std::string(s.message()), kUnsafeNoSandbox));
}

int Serve(const CommandLine& line) {
  const EndSignals signals;
  if (line.end_with != 0) EndWithParent(line.end_with);
  auto boards = LoadBoardsFile(line.boards);
  if (!boards.ok()) return Fail(kExitUsage, "--boards " + std::string(boards.status().message()));
  if (const absl::Status s = CheckSandbox(*boards, line); !s.ok()) {
    return Fail(kExitInfrastructure, std::string(s.message()));
  }
  const std::string folder = line.cache.empty() ? CacheFolder(line.name) : line.cache;
  auto cache = ArtifactCache::Open(folder, line.cache_mib << 20);
  if (!cache.ok()) return Fail(kExitInfrastructure, std::string(cache.status().message()));
  static const FarmLog log("farm_agent");
  LogGrpcTo(log);
  AgentOptions options;
  options.tracker = line.tracker;
  options.name = line.name;
  options.boards = *std::move(boards);
  if (line.unsafe_no_sandbox) options.host.options = {std::string("--") + kUnsafeNoSandbox};
  options.host.path = ProgramFolder() + "board_host";
  options.drift.period = Milliseconds(line.canary_seconds);
  options.drift.cooling = Milliseconds(line.cooling_seconds);
  options.credentials = [&line] { return ChannelCredentialsFrom(line.certificates, line.tracker); };
  // What is wrong with them is said now, and not tried for ever.
  if (const auto credentials = options.credentials(); !credentials.ok()) {
    return Fail(kExitUsage,
                "--tracker, --certificates: " + std::string(credentials.status().message()));
  }
  if (access(options.host.path.c_str(), X_OK) != 0) {
    return Fail(kExitInfrastructure, options.host.path + " is missing: it lies beside farm_agent");
  }
  log.Info("started", {{"agent", line.name},
                       {"tracker", line.tracker},
                       {"boards", options.boards.size()},
                       {"cache", folder}});
  Agent agent(std::move(options), **cache, log);
  agent.Start();
  signals.Await();
  log.Info("leaving");
  agent.Leave();
  log.Info("left");
  return kExitDone;
}

int Main(int argc, char** argv) {
  CommandLine line;
  const po::options_description options = Options(line);
  try {
    po::variables_map given;
    po::store(
        po::command_line_parser(argc, argv)
            .options(options)
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run(),
        given);
    po::notify(given);
    if (given.count("help") != 0) {
      std::ostringstream text;
      text << options;
      fmt::print("{}", text.str());
      return kExitDone;
    }
  } catch (const po::error& e) {
    return Fail(kExitUsage, fmt::format("{}; farm_agent --help lists the options", e.what()));
  }
  if (line.tracker.empty()) return Fail(kExitUsage, "--tracker is missing: give HOST:PORT");
  if (line.boards.empty()) return Fail(kExitUsage, "--boards is missing: give a boards file");
  if (line.cache_mib < 1 || line.cache_mib > 1'000'000) {
    return Fail(kExitUsage, "--cache-mib must be 1 to 1000000");
  }
  for (const auto& [name, seconds] : {std::pair("--canary-seconds", line.canary_seconds),
                                      std::pair("--cooling-seconds", line.cooling_seconds)}) {
    if (seconds >= 0.01 && seconds <= 86'400) continue;
    return Fail(kExitUsage, fmt::format("{} must be 0.01 to 86400", name));
  }
  return Serve(line);
}

}  // namespace
}  // namespace halyard

int main(int argc, char** argv) {
  try {
    return halyard::Main(argc, argv);
  } catch (const std::exception& e) {
    return halyard::Fail(halyard::kExitInfrastructure, fmt::format("unexpected: {}", e.what()));
  }
}
