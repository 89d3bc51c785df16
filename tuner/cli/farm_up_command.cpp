// tune farm up: the farm's two programs as children of this one.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/program_options.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "fmt/format.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/farm_command.h"
#include "tuner/cli/options.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;

struct Arguments {
  std::string listen = "127.0.0.1:7879", metrics, boards, state, certificates;
  std::vector<std::string> devices;
  bool unsafe_no_sandbox = false;
};

std::string DefaultState() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/halyard/farm";
  const char* home = std::getenv("HOME");
  return std::string(home != nullptr ? home : "") + "/.local/state/halyard/farm";
}

po::options_description Options(Arguments& a) {
  po::options_description d("tune farm up [options]: a tracker and an agent, until Ctrl-C", 79, 40);
  auto add = d.add_options();
  add("device", po::value(&a.devices)->composing(),
      "offer a board of it: host itself, of others the virtual one; may be given again (default: "
      "host)");
  add("boards", po::value(&a.boards), "or a boards file: {\"boards\": [{\"name\": ...}]}");
  add("listen", po::value(&a.listen)->default_value(a.listen),
      "HOST:PORT for clients and other agents; other than the loopback needs certificates");
  add("metrics", po::value(&a.metrics), "HOST:PORT of /metrics for Prometheus");
  add("certificates", po::value(&a.certificates), "the authority's folder, of tune farm init");
  add("state", po::value(&a.state),
      "folder of the queue and the logs (default: below ~/.local/state)");
  add("unsafe-no-sandbox", po::bool_switch(&a.unsafe_no_sandbox),
      "candidates may do to this machine whatever this user may");
  add("help,h", "print this");
  return d;
}

// The boards that --device names, as a boards file.
absl::StatusOr<std::string> WriteBoards(const Arguments& a) {
  nlohmann::json boards = nlohmann::json::array();
  for (const std::string& id : a.devices) {
    const auto device = DeviceFromOption(id, id == "host" ? "" : "virtual");
    if (!device.ok()) return device.status();
    const bool is_virtual = device->board_kind() == BoardKind::kVirtual;
    // As an executor of this machine calls it, so that records through the farm are the same.
    boards.push_back({{"name", (is_virtual ? "virtual-" : "") + device->id},
                      {"device", IsDevicePath(id) ? fs::absolute(id).string() : id},
                      {"board", is_virtual ? "virtual" : "local"}});
  }
  const std::string path = a.state + "/boards.json";
  std::ofstream file(path);
  file << nlohmann::json{{"boards", boards}}.dump(2) << "\n";
  if (!file.flush())
    return absl::InvalidArgumentError(fmt::format("--state: cannot write {}", path));
  return path;
}

class Child {
 public:
  // Its stderr goes to the end of `log`.
  static absl::StatusOr<Child> Start(std::vector<std::string> argv, const std::string& log) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0644);
    // In a group of its own: a Ctrl-C is this process's to pass on, agent first.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> pointers;
    for (std::string& arg : argv) pointers.push_back(arg.data());
    pointers.push_back(nullptr);
    Child child;
    const int error =
        posix_spawn(&child.pid_, pointers[0], &actions, &attributes, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error == 0) return child;
    return absl::UnavailableError(
        fmt::format("cannot start {}: {}", argv[0], std::strerror(error)));
  }

  bool Runs() { return pid_ > 0 && waitpid(pid_, &status_, WNOHANG) == 0; }

  // SIGTERM, and after ten seconds SIGKILL.
  void Stop() {
    if (!Runs()) return;
    kill(pid_, SIGTERM);
    for (int i = 0; i < 200 && Runs(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (!Runs()) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, &status_, 0);
  }

 private:
  pid_t pid_ = 0;
  int status_ = 0;
};

// The last line of a log that is not empty, for a person.
std::string LastLine(const std::string& log) {
  std::ifstream file(log);
  std::string last;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

// Waits for a log to tell the event; false where the child ends, or the time.
bool AwaitEvent(Child& child, const std::string& log, std::streamoff from, const char* event,
                const std::atomic<bool>& interrupted) {
  const std::string wanted = fmt::format("\"event\":\"{}\"", event);
  for (int i = 0; i < 600 && !interrupted && child.Runs(); ++i) {
    std::ifstream file(log);
    file.seekg(from);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find(wanted) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return false;
}

std::streamoff SizeOf(const std::string& path) {
  std::error_code none;
  const auto size = fs::file_size(path, none);
  return none ? 0 : static_cast<std::streamoff>(size);
}

int Serve(const Arguments& a) {
  const std::string farm = DataPath("farm/"), tracker_log = a.state + "/tracker.log",
                    agent_log = a.state + "/agent.log";
  std::string boards = a.boards;
  if (boards.empty()) {
    auto written = WriteBoards(a);
    if (!written.ok()) return Fail(written.status());
    boards = *std::move(written);
  }
  std::vector<std::string> tracker_argv = {farm + "farm_tracker", "--listen", a.listen, "--state",
                                           a.state};
  std::vector<std::string> agent_argv = {farm + "farm_agent", "--tracker", a.listen,
                                         "--boards",          boards,      "--cache",
                                         a.state + "/cache"};
  if (!a.metrics.empty()) tracker_argv.insert(tracker_argv.end(), {"--metrics", a.metrics});
  if (!a.certificates.empty()) {
    tracker_argv.insert(tracker_argv.end(), {"--certificates", a.certificates + "/tracker"});
    agent_argv.insert(agent_argv.end(), {"--certificates", a.certificates + "/agent"});
  }
  if (a.unsafe_no_sandbox) agent_argv.emplace_back("--unsafe-no-sandbox");
  // However this process ends, killed or out of memory, its farm ends too.
  for (auto* argv : {&tracker_argv, &agent_argv}) {
    argv->insert(argv->end(), {"--end-with", std::to_string(getpid())});
  }

  const std::atomic<bool>& interrupted = CatchInterrupts();
  const std::streamoff tracker_from = SizeOf(tracker_log), agent_from = SizeOf(agent_log);
  auto tracker = Child::Start(tracker_argv, tracker_log);
  if (!tracker.ok()) return Fail(tracker.status());
  if (!AwaitEvent(*tracker, tracker_log, tracker_from, "serving", interrupted)) {
    tracker->Stop();
    return interrupted ? kExitDone : Fail(kExitInfrastructure, LastLine(tracker_log));
  }
  auto agent = Child::Start(agent_argv, agent_log);
  if (!agent.ok()) return tracker->Stop(), Fail(agent.status());
  const bool connected = AwaitEvent(*agent, agent_log, agent_from, "connected", interrupted);
  if (connected) {
    fmt::print(stderr,
               "farm: serves at {0}; logs in {1}\n"
               "farm: tune ... --farm {0}; tune farm status --farm {0}; Ctrl-C ends it\n",
               a.listen, a.state);
  }
  while (!interrupted && tracker->Runs() && agent->Runs()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const bool tracker_ran = tracker->Runs(), agent_ran = agent->Runs();
  agent->Stop();
  tracker->Stop();
  if (interrupted) return kExitDone;
  if (!tracker_ran) return Fail(kExitInfrastructure, "the tracker ended: " + LastLine(tracker_log));
  if (!agent_ran) return Fail(kExitInfrastructure, "the agent ended: " + LastLine(agent_log));
  return Fail(kExitInfrastructure, "the agent does not reach the tracker: " + LastLine(agent_log));
}

}  // namespace

int FarmUpCommand(const std::vector<std::string>& args) {
  Arguments a;
  const po::options_description options = Options(a);
  const auto given = ParseOptions(args, options, {}, "tune farm up");
  if (!given.ok()) return Fail(given.status());
  if (given->count("help") != 0) {
    std::cout << options;
    return kExitDone;
  }
  if (!a.boards.empty() && !a.devices.empty()) {
    return Fail(kExitUsage, "--device and --boards both name boards; give one of them");
  }
  if (a.boards.empty() && a.devices.empty()) a.devices = {"host"};
  if (!a.certificates.empty() && !fs::exists(a.certificates + "/agent")) {
    return Fail(kExitUsage,
                fmt::format("{0} has no certificate for this machine's agent; make one: tune farm "
                            "enroll --dir {0} --role agent NAME -o {0}/agent",
                            a.certificates));
  }
  if (a.state.empty()) a.state = DefaultState();
  std::error_code error;
  fs::create_directories(a.state, error);
  if (error) {
    return Fail(kExitUsage,
                fmt::format("--state {}: cannot be made: {}", a.state, error.message()));
  }
  return Serve(a);
}

}  // namespace halyard
