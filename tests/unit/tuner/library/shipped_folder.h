// A library's folder with a manifest to read, of a library that was never built.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

namespace halyard {

// What a manifest of the second format says of one variant, measured on a virtual rpi4.
inline nlohmann::json ManifestVariant(const std::string& workload) {
  return {{"workload", workload},
          {"config", "vec=4"},
          {"symbol", "tuned_rpi4_softmax_v0"},
          {"packed", false},
          {"object_sha256", "ab"},
          {"record",
           {{"id", 7},
            {"value", 125.5},
            {"unit", "virtual_cycles"},
            {"samples", 3},
            {"phase", "final"},
            {"checks", "probe:64"},
            {"board", "virtual-rpi4"},
            {"board_kind", "virtual"},
            {"environment", "qemu"},
            {"compiler", "Halide 14; arm-64-linux"},
            {"space_version", 5},
            {"protocol", 3},
            {"artifact_sha256", "cd"},
            {"seed", 1},
            {"time_unix_ms", 1700000000000}}}};
}

inline nlohmann::json ManifestOf(const std::string& workload) {
  return {{"format", 2},
          {"name", "tuned_rpi4"},
          {"commit", "abc"},
          {"device", {{"id", "rpi4"}}},
          {"board_kind", "virtual"},
          {"unit", "virtual_cycles"},
          {"compiler", "Halide 14"},
          {"files", nlohmann::json::object()},
          {"variants", nlohmann::json::array({ManifestVariant(workload)})}};
}

// Removed with the object.
class ShippedFolder {
 public:
  explicit ShippedFolder(const std::string& name)
      : path_(std::filesystem::temp_directory_path() /
              ("halyard-" + name + "-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~ShippedFolder() { std::filesystem::remove_all(path_); }
  ShippedFolder(const ShippedFolder&) = delete;
  ShippedFolder& operator=(const ShippedFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  void Write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file, std::ios::binary) << text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace halyard
