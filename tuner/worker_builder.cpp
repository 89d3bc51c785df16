#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "fmt/format.h"
#include "rpc_farm/sha256.h"
#include "schedules/operator.h"
#include "tuner/build_protocol.h"

extern char** environ;

namespace halyard {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string Sha256OfFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Sha256Hex(std::string((std::istreambuf_iterator<char>(file)), {}));
}

// The `tune` program, which tests name because they are not it.
std::string TuneProgram() {
  const char* named = std::getenv("HALYARD_TUNE_PROGRAM");
  return named != nullptr ? named : "/proc/self/exe";
}

// One worker process and the socket to it.
class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { Stop(); }

  bool running() const { return pid_ > 0; }

  bool Start() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    const std::string program = TuneProgram();
    std::string name = "tune", command = "build-worker";
    char* argv[] = {name.data(), command.data(), nullptr};
    const int error = posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    socket_ = ends[0];
    if (error != 0) pid_ = 0;
    return error == 0;
  }

  void Stop() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    pid_ = 0;
  }

  // The answer's line, or nothing when the worker died or did not answer in time.
  std::string Ask(const std::string& line, std::chrono::milliseconds limit) {
    const std::string text = line + "\n";
    if (send(socket_, text.data(), text.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(text.size())) {
      return "";
    }
    std::string answer;
    const auto end = Clock::now() + limit;
    while (answer.empty() || answer.back() != '\n') {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      pollfd p{socket_, POLLIN, 0};
      if (left.count() <= 0 || poll(&p, 1, static_cast<int>(left.count())) <= 0) return "";
      char buffer[16384];
      const ssize_t n = recv(socket_, buffer, sizeof buffer, 0);
      if (n <= 0) return "";
      answer.append(buffer, static_cast<size_t>(n));
    }
    return answer;
  }

 private:
  pid_t pid_ = 0;
  int socket_ = -1;
};

class WorkerBuilder final : public Builder {
 public:
  WorkerBuilder(const BuilderOptions& options, std::string folder)
      : options_(options),
        folder_(std::move(folder)),
        workers_(static_cast<size_t>(options.jobs)) {}
  ~WorkerBuilder() override {
    workers_.clear();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  std::vector<BuildResult> Build(const std::vector<BuildRequest>& requests) override {
    std::vector<BuildResult> results(requests.size());
    std::atomic<size_t> next{0};
    auto serve = [&](Worker& worker) {
      for (size_t i; (i = next++) < requests.size();) results[i] = BuildOne(worker, requests[i]);
    };
    std::vector<std::thread> threads;
    for (size_t w = 0; w < workers_.size() && w < requests.size(); w++) {
      threads.emplace_back(serve, std::ref(workers_[w]));
    }
    for (std::thread& t : threads) t.join();
    return results;
  }

  std::string compiler() const override {
    return "Halide " HALYARD_HALIDE_VERSION " no_runtime; ld.lld-14 -shared";
  }

 private:
  BuildResult BuildOne(Worker& worker, const BuildRequest& request) {
    const auto begin = Clock::now();
    WorkerRequest ask{request, fmt::format("{}/{}", folder_, serial_++), options_.deadline.count(),
                      options_.memory_bytes};
    // An autoscheduler searches before it compiles.
    if (request.kind == BuildKind::kAdams2019) ask.deadline_ms *= 6;
    BuildResult result;
    result.message = "the build worker could not be started";
    for (int attempt = 0; attempt < 2; attempt++) {
      if (!worker.running() && !worker.Start()) continue;
      const std::chrono::milliseconds limit(ask.deadline_ms + 10'000);
      const std::string line = worker.Ask(nlohmann::json(ask).dump(), limit);
      if (line.empty()) {
        worker.Stop();
        result.message = "the build worker died";
        continue;
      }
      try {
        const auto answer = nlohmann::json::parse(line).get<WorkerAnswer>();
        result.outcome = answer.outcome;
        result.message = answer.message;
        result.entries = answer.artifact.entries;
        result.scratch = answer.scratch;
        result.path = answer.artifact.artifact_path;
        if (result.outcome == Outcome::kOk) result.sha256 = Sha256OfFile(result.path);
        break;
      } catch (const std::exception& e) {
        worker.Stop();
        result.message = fmt::format("the build worker answered with garbage: {}", e.what());
      }
    }
    result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    return result;
  }

  const BuilderOptions options_;
  const std::string folder_;
  std::vector<Worker> workers_;
  std::atomic<int> serial_{0};
};

constexpr char kFolderPrefix[] = "halyard-build-";

// A killed search leaves its artifacts behind; the next one clears them away. A folder's name tells
// the process it belongs to.
void RemoveOrphanedFolders() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kFolderPrefix)) continue;
    const int pid = std::atoi(name.c_str() + sizeof kFolderPrefix - 1);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Builder>> MakeWorkerBuilder(const BuilderOptions& options) {
  RemoveOrphanedFolders();
  std::string folder =
      (fs::temp_directory_path() / fmt::format("{}{}-XXXXXX", kFolderPrefix, getpid())).string();
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::UnavailableError(
        fmt::format("no folder for artifacts can be made in {}; set TMPDIR to one with room",
                    fs::temp_directory_path().string()));
  }
  return std::make_unique<WorkerBuilder>(options, folder);
}

}  // namespace halyard
