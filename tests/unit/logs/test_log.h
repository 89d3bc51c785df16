// A folder, a log and records to test with.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "logs/measurement_log.h"

namespace halyard {

// A fresh folder that goes with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "halyard_log_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

  // Names of all that lies in the folder, sorted.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

inline std::string ReadAll(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

inline void WriteAll(const std::string& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

inline std::unique_ptr<MeasurementLog> OpenOrDie(const std::string& path, LogMode mode) {
  auto log = OpenSqliteLog(path, mode);
  if (!log.ok()) throw std::runtime_error(log.status().ToString());
  return *std::move(log);
}

// A record no two fields of which are alike.
inline Record FullRecord() {
  Record r;
  r.workload = "gemm:64x48x32:f32";
  r.config = "tile=4x16;vec=8";
  r.space_version = 7;
  r.device = "rpi4";
  r.board = "rpi4-2";
  r.board_kind = BoardKind::kVirtual;
  r.unit = "virtual_cycles";
  r.samples = {1234.5, 1200, 1300.25};
  r.outcome = Outcome::kOk;
  r.message = "all well";
  r.phase = "final";
  r.checks = "probe:64,projection,guards,scan";
  r.artifact_sha256 = std::string(64, 'a');
  r.compiler = "Halide 14, llc -O3";
  r.protocol = 3;
  r.environment = "clock=1.5GHz;temp=41";
  r.seed = 18446744073709551615u;
  r.time_unix_ms = 1700000000123;
  r.device_snapshot =
      std::make_shared<const std::string>(R"({"clock_ghz":1.5,"cpu":"Cortex-A72"})");
  r.predicted_score = 0.484;
  r.peak_gflops = 48;
  r.copy_gb_per_s = 4.25;
  return r;
}

inline Record OkRecord(const std::string& workload, const std::string& config, double value) {
  Record r;
  r.workload = workload;
  r.config = config;
  r.device = "host";
  r.unit = "ns";
  r.samples = {value};
  r.outcome = Outcome::kOk;
  return r;
}

inline void ExpectSame(const Record& a, const Record& b) {
  EXPECT_EQ(a.id, b.id);
  EXPECT_EQ(a.workload, b.workload);
  EXPECT_EQ(a.config, b.config);
  EXPECT_EQ(a.space_version, b.space_version);
  EXPECT_EQ(a.device, b.device);
  EXPECT_EQ(a.board, b.board);
  EXPECT_EQ(a.board_kind, b.board_kind);
  EXPECT_EQ(a.unit, b.unit);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.phase, b.phase);
  EXPECT_EQ(a.checks, b.checks);
  EXPECT_EQ(a.artifact_sha256, b.artifact_sha256);
  EXPECT_EQ(a.compiler, b.compiler);
  EXPECT_EQ(a.protocol, b.protocol);
  EXPECT_EQ(a.environment, b.environment);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.time_unix_ms, b.time_unix_ms);
  EXPECT_EQ(a.predicted_score, b.predicted_score);
  EXPECT_EQ(a.peak_gflops, b.peak_gflops);
  EXPECT_EQ(a.copy_gb_per_s, b.copy_gb_per_s);
  ASSERT_EQ(a.device_snapshot == nullptr, b.device_snapshot == nullptr);
  if (a.device_snapshot != nullptr) {
    EXPECT_EQ(*a.device_snapshot, *b.device_snapshot);
  }
}

}  // namespace halyard
