#include "tests/conformance/board_under_test.h"

#include <charconv>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace halyard {

namespace fs = std::filesystem;

namespace {

Device Loaded(const std::string& device_id) {
  absl::StatusOr<Device> device = LoadDevice(device_id);
  if (!device.ok()) throw std::runtime_error(std::string(device.status().message()));
  return *std::move(device);
}

}  // namespace

BoardUnderTest::BoardUnderTest(const std::string& device_id) : BoardUnderTest(Loaded(device_id)) {}

BoardUnderTest::BoardUnderTest(Device device) : device_(std::move(device)) {
  if (device_.has_os()) device_.memory_bytes = int64_t{4} << 30;
}

std::vector<pid_t> ProcessesBelow(const std::string& folder) {
  std::vector<pid_t> found;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    std::error_code gone;  // a zombie has no program any more
    const std::string program = fs::read_symlink(at->path() / "exe", gone).string();
    if (!gone && program.starts_with(folder)) found.push_back(pid);
  }
  return found;
}

}  // namespace halyard
