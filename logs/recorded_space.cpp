#include "logs/recorded_space.h"

#include <algorithm>
#include <bit>
#include <boost/crc.hpp>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fmt/format.h"
#include "targets/device_snapshot.h"

namespace halyard {
namespace {

using nlohmann::json;

constexpr std::string_view kMagic = "halyard_recorded_space ";
constexpr size_t kCrcBytes = 4;
static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

uint32_t Crc32(const void* bytes, size_t size) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes, size);
  return crc.checksum();
}

template <typename T>
void AppendBytes(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

absl::Status Refuse(const std::string& name, const std::string& why) {
  return absl::InvalidArgumentError(fmt::format("'{}' {}", name, why));
}

json HeaderOf(const RecordedSpace& s) {
  json knobs = json::array();
  for (const KnobSubset& k : s.knobs) knobs.push_back({{"name", k.knob}, {"values", k.values}});
  return {{"workload", s.workload},
          {"device", DeviceSnapshot(s.device)},
          {"unit", s.unit},
          {"space_version", s.space_version},
          {"knobs", knobs},
          {"protocol", s.protocol},
          {"compiler", s.compiler},
          {"environment", s.environment},
          {"provenance", s.provenance},
          {"valid_crc32", s.valid_crc32},
          {"configs", s.results.size()}};
}

RecordedSpace SpaceOf(const json& header) {
  RecordedSpace s;
  header.at("workload").get_to(s.workload);
  s.device = DeviceFromSnapshot(header.at("device"));
  header.at("unit").get_to(s.unit);
  header.at("space_version").get_to(s.space_version);
  for (const json& k : header.at("knobs")) {
    s.knobs.push_back({k.at("name"), k.at("values").get<std::vector<std::string>>()});
  }
  header.at("protocol").get_to(s.protocol);
  header.at("compiler").get_to(s.compiler);
  header.at("environment").get_to(s.environment);
  header.at("provenance").get_to(s.provenance);
  header.at("valid_crc32").get_to(s.valid_crc32);
  return s;
}

// False where the bytes are not `configs` results and nothing else.
bool ReadResults(std::string_view body, size_t configs, std::vector<RecordedResult>& results) {
  for (size_t at = 0; at < body.size();) {
    const auto outcome = static_cast<unsigned char>(body[at++]);
    if (outcome >= kOutcomeNames.size()) return false;
    RecordedResult r{static_cast<Outcome>(outcome), 0};
    if (r.outcome == Outcome::kOk) {
      if (body.size() - at < sizeof r.value) return false;
      std::memcpy(&r.value, body.data() + at, sizeof r.value);
      at += sizeof r.value;
      if (!(std::isfinite(r.value) && r.value > 0)) return false;
    }
    results.push_back(r);
  }
  return results.size() == configs;
}

}  // namespace

const RecordedResult& RecordedTask::at(const Config& config) const {
  const auto found = std::lower_bound(valid.begin(), valid.end(), task.space.index_of(config));
  return results[static_cast<size_t>(found - valid.begin())];
}

uint32_t Crc32OfIndices(const std::vector<uint64_t>& indices) {
  return Crc32(indices.data(), indices.size() * sizeof(uint64_t));
}

std::string SerializeRecordedSpace(const RecordedSpace& space) {
  std::string bytes =
      fmt::format("{}{}\n{}\n", kMagic, kRecordedSpaceVersion, HeaderOf(space).dump());
  for (const RecordedResult& r : space.results) {
    bytes += static_cast<char>(r.outcome);
    if (r.outcome == Outcome::kOk) AppendBytes(bytes, r.value);
  }
  AppendBytes(bytes, Crc32(bytes.data(), bytes.size()));
  return bytes;
}

absl::StatusOr<RecordedSpace> ParseRecordedSpace(const std::string& bytes,
                                                 const std::string& name) {
  if (!bytes.starts_with(kMagic)) {
    return Refuse(name, "is not a recorded space; give a file that tune record made");
  }
  const size_t first_end = std::min(bytes.find('\n'), bytes.size());
  const std::string version = bytes.substr(kMagic.size(), first_end - kMagic.size());
  if (version != std::to_string(kRecordedSpaceVersion)) {
    return Refuse(name, fmt::format("is a recorded space of format '{}', and this program reads "
                                    "{}; record it again",
                                    version.substr(0, 20), kRecordedSpaceVersion));
  }
  const absl::Status damaged =
      Refuse(name, "is damaged or cut short: its checksum does not fit; record it again");
  if (bytes.size() < first_end + kCrcBytes) return damaged;
  const size_t end = bytes.size() - kCrcBytes;
  uint32_t crc = 0;
  std::memcpy(&crc, bytes.data() + end, sizeof crc);
  if (crc != Crc32(bytes.data(), end)) return damaged;
  const size_t header_end = bytes.find('\n', first_end + 1);
  if (header_end >= end) return damaged;
  try {
    const json header = json::parse(bytes.begin() + first_end + 1, bytes.begin() + header_end);
    RecordedSpace space = SpaceOf(header);
    const std::string_view body(bytes.data() + header_end + 1, end - header_end - 1);
    if (!ReadResults(body, header.at("configs"), space.results)) return damaged;
    return space;
  } catch (const json::exception& e) {
    return Refuse(name, fmt::format("has a header that cannot be read: {}", e.what()));
  }
}

absl::Status WriteRecordedSpace(const RecordedSpace& space, const std::string& path) {
  const std::string fresh = path + ".new";
  std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
  out << SerializeRecordedSpace(space);
  out.close();
  if (!out || std::rename(fresh.c_str(), path.c_str()) != 0) {
    std::remove(fresh.c_str());
    return absl::UnavailableError(fmt::format("'{}' could not be written", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordedSpace> ReadRecordedSpace(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  // A folder opens too, and fails when it is read.
  if (!in.is_open() || std::filesystem::is_directory(path)) {
    return absl::NotFoundError(
        fmt::format("'{}' cannot be read; give a file that tune record made", path));
  }
  const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return ParseRecordedSpace(bytes, path);
}

absl::StatusOr<RecordedTask> BindRecordedSpace(const RecordedSpace& space,
                                               const std::string& path) {
  const auto workload = ParseWorkload(space.workload);
  if (!workload.ok()) return Refuse(path, std::string(workload.status().message()));
  const Task whole = MakeTask(*workload, space.device);
  if (whole.space.version() != space.space_version) {
    return Refuse(path, fmt::format("was recorded with version {} of its space, which is {} now; "
                                    "record it again",
                                    space.space_version, whole.space.version()));
  }
  const auto changed = [&](const std::string& what) {
    return Refuse(path, fmt::format("no longer fits its space: {}; record it again", what));
  };
  const auto kept = ParseRestriction(whole.space, space.knobs);
  if (!kept.ok()) return changed(std::string(kept.status().message()));
  if (RestrictionText(whole.space, *kept) != space.knobs) return changed("its knobs have changed");
  const auto part = RestrictTask(whole, *kept);
  if (!part.ok()) return changed(std::string(part.status().message()));
  RecordedTask bound{std::filesystem::path(path).stem().string(),
                     *part,
                     space.unit,
                     ValidIndices(part->space),
                     space.results,
                     0,
                     0};
  if (bound.valid.size() != bound.results.size() ||
      Crc32OfIndices(bound.valid) != space.valid_crc32) {
    return changed(fmt::format("{} configs are valid now, {} were then, or others",
                               bound.valid.size(), bound.results.size()));
  }
  for (const RecordedResult& r : bound.results) {
    if (r.outcome != Outcome::kOk) continue;
    bound.best = bound.best == 0 ? r.value : std::min<double>(bound.best, r.value);
    bound.worst = std::max<double>(bound.worst, r.value);
  }
  if (bound.best == 0) return Refuse(path, "has no config that ran");
  return bound;
}

}  // namespace halyard
