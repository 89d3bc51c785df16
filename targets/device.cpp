#include "targets/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_join.h"
#include "targets/device_file.h"
#include "targets/device_snapshot.h"
#include "targets/host_detection.h"

namespace halyard {
namespace {

// "HEIR: FIELD ..." with the file that gave the field, where it was inherited.
absl::Status NameTheGiver(const absl::Status& status, const std::string& path,
                          const DeviceJson& json) {
  const std::string message(status.message());
  const size_t begin = path.size() + 2;  // behind "HEIR: "
  if (message.size() <= begin) return status;
  const size_t end = message.find_first_of(" .[", begin);
  const auto giver = json.given_by.find(message.substr(begin, end - begin));
  if (giver == json.given_by.end() || giver->second == path) return status;
  return absl::Status(status.code(), fmt::format("{}: {} (inherited by {})", giver->second,
                                                 message.substr(begin), path));
}

// Records, libraries and folders go by the id: two kinds of hardware cannot share one. A file that
// gives a listed device another board, as it inherits it, may keep its id.
absl::Status CheckIdIsItsOwn(const Device& device, const std::string& path) {
  const std::vector<std::string> ids = DeviceIds();
  if (std::find(ids.begin(), ids.end(), device.id) == ids.end()) return absl::OkStatus();
  absl::StatusOr<Device> listed = LoadDevice(device.id);
  if (!listed.ok()) return listed.status();
  listed->board = device.board;
  const auto differences = HardwareDifferences(DeviceSnapshot(*listed), DeviceSnapshot(device));
  if (differences.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: id is '{}', which is the listed device with another {}; give an id of its own", path,
      device.id, differences.front().field));
}

}  // namespace

std::string DataPath(const std::string& relative) {
  const char* overridden = std::getenv("HALYARD_DATA_DIR");
  const std::string root =
      overridden != nullptr && *overridden != '\0' ? overridden : HALYARD_DATA_DIR;
  return root + "/" + relative;
}

double Device::peak_flop_per_cycle() const {
  double fma = clusters.empty() ? fma_per_cycle * cores : 0;
  for (const CoreCluster& c : clusters) fma += c.cores * c.fma_per_cycle * c.clock_ghz / clock_ghz;
  return 2.0 * lanes_f32() * fma;
}

std::vector<std::string> DeviceIds() {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(DataPath("devices"), error)) {
    if (entry.path().extension() == ".json") ids.push_back(entry.path().stem());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool IsDevicePath(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".json");
}

absl::StatusOr<std::string> DevicePath(const std::string& name) {
  if (IsDevicePath(name)) return name;
  const std::vector<std::string> ids = DeviceIds();
  if (std::find(ids.begin(), ids.end(), name) != ids.end()) {
    return DataPath("devices/" + name + ".json");
  }
  return absl::NotFoundError(
      fmt::format("no device '{}'; known devices: {}; or give a file, ./{}.json", name,
                  absl::StrJoin(ids, ", "), name));
}

absl::StatusOr<Device> LoadDevice(const std::string& name, const std::string& board) {
  const bool by_path = IsDevicePath(name);
  const auto found = DevicePath(name);
  if (!found.ok()) return found.status();
  const std::string& path = *found;
  auto json = ReadDeviceJson(path);
  if (!json.ok()) return json.status();
  if (!board.empty()) {
    const auto address = ParseBoardAddress(board);
    if (!address.ok()) {
      return absl::InvalidArgumentError("--board " + std::string(address.status().message()));
    }
    if (json->root.is_object()) json->root["board"] = board;
  }
  absl::StatusOr<DeviceFile> file = ParseDevice(json->root, path);
  if (!file.ok()) return NameTheGiver(file.status(), path, *json);
  Device& device = file->device;
  if (!by_path && device.id != name) {
    return absl::InvalidArgumentError(
        fmt::format("{}: id is '{}', the file's name says '{}'", path, device.id, name));
  }
  if (file->detect) DetectHost(&device);
  if (by_path) {
    if (auto s = CheckIdIsItsOwn(device, path); !s.ok()) return s;
  }
  if (device.toolchain.empty()) device.toolchain = device.triplet;
  device.loaded_from = by_path ? std::filesystem::absolute(path).string() : name;
  if (!board.empty()) device.loaded_from += " " + board;
  return std::move(device);
}

absl::StatusOr<Device> LoadDevice(const std::string& name) {
  // A path may have blanks of its own.
  const size_t blank = name.rfind(' ');
  if (blank != std::string::npos && ParseBoardAddress(name.substr(blank + 1)).ok()) {
    return LoadDevice(name.substr(0, blank), name.substr(blank + 1));
  }
  return LoadDevice(name, "");
}

}  // namespace halyard
