#include "targets/device.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/str_join.h"
#include "targets/device_file.h"
#include "targets/host_detection.h"

namespace halyard {

std::string_view BoardKindName(BoardKind kind) {
  return kind == BoardKind::kPhysical ? "physical" : "virtual";
}

std::string DataPath(const std::string& relative) {
  const char* overridden = std::getenv("HALYARD_DATA_DIR");
  const std::string root =
      overridden != nullptr && *overridden != '\0' ? overridden : HALYARD_DATA_DIR;
  return root + "/" + relative;
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

absl::StatusOr<Device> LoadDevice(const std::string& id) {
  const std::vector<std::string> ids = DeviceIds();
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
    return absl::NotFoundError(
        fmt::format("no device '{}'; known devices: {}", id, absl::StrJoin(ids, ", ")));
  }
  const std::string path = DataPath("devices/" + id + ".json");
  std::ifstream stream(path);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  absl::StatusOr<DeviceFile> file = ParseDeviceFile(text, path);
  if (!file.ok()) return file.status();
  if (file->device.id != id) {
    return absl::InvalidArgumentError(
        fmt::format("{}: id is '{}', the file's name says '{}'", path, file->device.id, id));
  }
  if (file->detect) DetectHost(&file->device);
  return std::move(file->device);
}

}  // namespace halyard
