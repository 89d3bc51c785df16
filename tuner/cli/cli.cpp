#include "tuner/cli/cli.h"

#include <signal.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "fmt/format.h"

namespace halyard {

namespace fs = std::filesystem;
namespace {

std::atomic<bool> g_interrupted{false};

void OnSignal(int) {
  if (g_interrupted.exchange(true)) _exit(130);
}

}  // namespace

const std::atomic<bool>& CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return g_interrupted;
}

int Fail(ExitCode code, const std::string& message) {
  std::string line = message;
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  fmt::print(stderr, "tune: {}\n", line);
  return code;
}

int Fail(const absl::Status& status) {
  const std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return Fail(kExitUsage, message);
    default:
      return Fail(kExitInfrastructure, message);
  }
}

absl::StatusOr<double> ParseDuration(const std::string& text) {
  const auto wrong = [&] {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a duration; give one such as 90s, 10m, 1h30m", text));
  };
  double seconds = 0;
  const char* at = text.c_str();
  while (*at != '\0') {
    if (std::isdigit(static_cast<unsigned char>(*at)) == 0) return wrong();
    char* end = nullptr;
    const double number = std::strtod(at, &end);
    double unit = 1;
    if (*end == 'h') unit = 3600;
    if (*end == 'm') unit = 60;
    if (*end != '\0' && *end != 'h' && *end != 'm' && *end != 's') return wrong();
    at = *end == '\0' ? end : end + 1;
    seconds += number * unit;
  }
  if (!(seconds >= 1) || seconds > 1e7) return wrong();
  return seconds;
}

absl::Status CheckWritableFolder(const std::string& dir) {
  fs::path at = fs::absolute(dir);
  std::error_code error;
  while (!fs::exists(at, error) && at.has_parent_path() && at != at.parent_path()) {
    at = at.parent_path();
  }
  std::string probe = (at / ".tune-XXXXXX").string();
  if (fs::is_directory(at, error) && mkdtemp(probe.data()) != nullptr) {
    rmdir(probe.c_str());
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("--out '{}': no file can be made in {}; give a folder that can be written", dir,
                  at.string()));
}

}  // namespace halyard
