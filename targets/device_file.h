// The JSON form of a device.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "targets/device.h"

namespace halyard {

struct DeviceFile {
  Device device;
  bool detect = false;  // the file leaves cores, caches and instruction set to detection
};

// The file of an id or path. NotFound: names the id and lists the known ones.
absl::StatusOr<std::string> DevicePath(const std::string& id_or_path);

struct DeviceJson {
  nlohmann::json root;
  std::map<std::string, std::string> given_by;  // field -> the file that gave it
};

// The object in a device file, laid over the one it inherits from, if any (RFC 7386: fields of
// objects one by one, anything else as a whole, null takes a field away); the sources of both.
// `inherits` names an id or a file; a file's path is relative to the inheriting one's folder.
// InvalidArgument: not JSON, or a cycle; names file and field. NotFound: names the file.
absl::StatusOr<DeviceJson> ReadDeviceJson(const std::string& path);

// The device of an object that inherits no more; `file` names it in errors.
// InvalidArgument: names file and field for anything missing, mistyped, out of range, unknown or
// at odds with another field.
absl::StatusOr<DeviceFile> ParseDevice(const nlohmann::json& root, const std::string& file);

}  // namespace halyard
