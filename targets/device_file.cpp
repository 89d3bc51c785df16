#include "targets/device_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_join.h"
#include "targets/device_check.h"
#include "targets/json_fields.h"

namespace halyard {
namespace {

using nlohmann::json;

void ReadCaches(JsonFields& fields, std::vector<CacheLevel>* caches) {
  const json* list = fields.Required("caches");
  if (list == nullptr) return;
  caches->clear();
  if (!list->is_array()) return fields.Fail("caches", "must be a list");
  for (size_t i = 0; i < list->size(); ++i) {
    CacheLevel level;
    JsonFields cache((*list)[i], fields.file(), fields.FieldName(fmt::format("caches[{}].", i)));
    cache.PositiveInt("bytes", &level.bytes);
    cache.PositiveInt("line_bytes", &level.line_bytes);
    cache.PositiveInt("shared_by_cores", &level.shared_by_cores);
    fields.Take(cache.Finish());
    caches->push_back(level);
  }
}

void ReadClusters(JsonFields& fields, Device* device) {
  const json* list = fields.Find("clusters");
  if (list == nullptr) return;
  if (!list->is_array() || list->empty()) return fields.Fail("clusters", "must be a list");
  int64_t cores = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    CoreCluster cluster;
    JsonFields one((*list)[i], fields.file(), fmt::format("clusters[{}].", i));
    one.Text("cpu", &cluster.cpu);
    one.PositiveInt("cores", &cluster.cores);
    one.PositiveNumber("clock_ghz", &cluster.clock_ghz);
    one.PositiveNumber("fma_per_cycle", &cluster.fma_per_cycle);
    one.OptionalText("core", &cluster.core);
    cluster.caches = device->caches;
    if (one.Find("caches") != nullptr) ReadCaches(one, &cluster.caches);
    if (cluster.caches.size() != device->caches.size()) {
      one.Fail("caches", "must have as many levels as the device's");
      cluster.caches = device->caches;  // the virtual board's are read level by level
    }
    fields.Take(one.Finish());
    cores += cluster.cores;
    device->clusters.push_back(std::move(cluster));
  }
  if (cores != device->cores) {
    fields.Fail("clusters", fmt::format("have {} cores, cores says {}", cores, device->cores));
  }
  if (device->clusters[0].clock_ghz != device->clock_ghz) {
    fields.Fail("clusters[0].clock_ghz", "must be the device's clock_ghz");
  }
}

// The device's cores as the model of its virtual board has them, as far as said outside of it.
std::vector<ClusterModel> ClustersOf(const Device& device) {
  std::vector<CoreCluster> kinds = device.clusters;
  if (kinds.empty()) {
    kinds.push_back(
        {device.cpu, device.cores, device.clock_ghz, device.fma_per_cycle, device.caches, ""});
  }
  std::vector<ClusterModel> clusters;
  for (const CoreCluster& kind : kinds) {
    ClusterModel cluster;
    cluster.cores = kind.cores;
    cluster.clock_ghz = kind.clock_ghz;
    cluster.core.name = kind.core;
    for (const CacheLevel& c : kind.caches) {
      cluster.caches.push_back({c.bytes, c.line_bytes, c.shared_by_cores, 0, 0, 0});
    }
    clusters.push_back(std::move(cluster));
  }
  return clusters;
}

void ReadBoard(JsonFields& fields, BoardAddress* board) {
  std::string text;
  fields.Text("board", &text);
  if (text.empty()) return;
  auto address = ParseBoardAddress(text);
  if (!address.ok()) return fields.Fail("board", std::string(address.status().message()));
  *board = *std::move(address);
}

// What detection finds where the file says "detect": true.
void ReadHardware(JsonFields& fields, Device* device) {
  fields.Text("halide_target", &device->halide_target);
  fields.Text("triplet", &device->triplet);
  fields.OptionalText("toolchain", &device->toolchain);
  fields.Text("cpu", &device->cpu);
  fields.PositiveInt("cores", &device->cores);
  fields.PositiveInt("vector_bytes", &device->vector_bytes);
  fields.PositiveInt("vector_registers", &device->vector_registers);
  fields.PositiveNumber("clock_ghz", &device->clock_ghz);
  fields.PositiveNumber("copy_gb_per_s", &device->copy_gb_per_s);
  fields.PositiveInt("memory_bytes", &device->memory_bytes);
  ReadCaches(fields, &device->caches);
  ReadClusters(fields, device);
}

void ReadFirmware(JsonFields section, JsonFields& fields, Device* device) {
  device->firmware.emplace();
  fields.Take(ReadFirmwareTarget(std::move(section), &*device->firmware));
  if (device->cores != 1) fields.Fail("cores", "must be 1 on a device with firmware");
  const BoardReach reach = device->board.reach;
  const bool emulated = reach == BoardReach::kVirtual || reach == BoardReach::kSimulated;
  if (!emulated && reach != BoardReach::kGdb) {
    fields.Fail("board", "must be virtual, simulated or gdb:HOST:PORT on a device with firmware");
  }
  if (emulated && device->firmware->emulator.machine.empty()) {
    fields.Fail("firmware.emulator", "is missing, and the board is emulated");
  }
}

// The sources of the inherited file come first.
void AppendSources(const json& base, json* merged) {
  const auto inherited = base.find("sources");
  if (inherited == base.end() || !inherited->is_array()) return;
  json sources = *inherited;
  const json& own = merged->at("sources");
  if (own.is_array() && own != sources) sources.insert(sources.end(), own.begin(), own.end());
  (*merged)["sources"] = std::move(sources);
}

// `heirs`: the files that led here, innermost last.
absl::StatusOr<DeviceJson> ReadLayered(const std::string& path, std::vector<std::string> heirs) {
  std::error_code ignored;
  const std::string canonical = std::filesystem::weakly_canonical(path, ignored).string();
  if (std::find(heirs.begin(), heirs.end(), canonical) != heirs.end()) {
    heirs.push_back(canonical);
    return absl::InvalidArgumentError(
        fmt::format("{}: inherits goes round in a circle: {}", path, absl::StrJoin(heirs, " <- ")));
  }
  heirs.push_back(canonical);
  std::ifstream stream(path);
  if (!stream) return absl::NotFoundError(fmt::format("no device file {}", path));
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return absl::InvalidArgumentError(path + ": not valid JSON");
  std::map<std::string, std::string> given_by;
  if (root.is_object()) {
    for (const auto& [field, value] : root.items()) given_by[field] = path;
  }
  if (!root.is_object() || !root.contains("inherits")) return DeviceJson{root, given_by};
  if (!root["inherits"].is_string()) {
    return absl::InvalidArgumentError(path + ": inherits must be the id of a device or a file");
  }
  const std::string base_name = root["inherits"];
  const std::string base_path =
      IsDevicePath(base_name)
          ? (std::filesystem::path(path).parent_path() / base_name).lexically_normal().string()
          : DataPath("devices/" + base_name + ".json");
  if (!std::filesystem::exists(base_path, ignored)) {
    return absl::InvalidArgumentError(
        fmt::format("{}: inherits names '{}', which is neither a file nor one of the devices {}",
                    path, base_name, absl::StrJoin(DeviceIds(), ", ")));
  }
  const absl::StatusOr<DeviceJson> base = ReadLayered(base_path, std::move(heirs));
  if (!base.ok()) return base.status();
  root.erase("inherits");
  given_by.insert(base->given_by.begin(), base->given_by.end());
  json merged = base->root;
  merged.merge_patch(root);
  if (root.contains("sources")) AppendSources(base->root, &merged);
  return DeviceJson{std::move(merged), std::move(given_by)};
}

}  // namespace

absl::StatusOr<DeviceJson> ReadDeviceJson(const std::string& path) { return ReadLayered(path, {}); }

absl::StatusOr<DeviceFile> ParseDevice(const json& root, const std::string& file) {
  DeviceFile result;
  Device& device = result.device;
  JsonFields fields(root, file, "");
  fields.Note("sources");
  fields.Text("id", &device.id);
  if (!device.id.empty() && !IsDeviceId(device.id)) {
    fields.Fail("id", fmt::format("'{}' cannot name files; give letters, digits, '-', '_' and '.', "
                                  "a letter or digit first",
                                  device.id));
  }
  fields.Text("description", &device.description);
  fields.PositiveNumber("fma_per_cycle", &device.fma_per_cycle);
  fields.PositiveInt("stack_bytes", &device.stack_bytes);
  fields.OptionalBool("detect", &result.detect);
  ReadBoard(fields, &device.board);
  if (!result.detect) ReadHardware(fields, &device);
  bool wanted = device.board_kind() != BoardKind::kPhysical;
  if (const json* firmware = fields.Find("firmware"); firmware != nullptr) {
    ReadFirmware(JsonFields(*firmware, file, "firmware."), fields, &device);
    if (const auto emulator = firmware->find("emulator"); emulator != firmware->end()) {
      device.virtual_board_text = emulator->dump();
    }
    wanted = false;
  }
  const json* board = wanted ? fields.Required("virtual_board") : fields.Find("virtual_board");
  if (board != nullptr) {
    VirtualBoard& model = device.virtual_board;
    fields.Take(
        ReadVirtualBoard(JsonFields(*board, file, "virtual_board."), ClustersOf(device), &model));
    device.virtual_board_text = json{{"qemu_cpu", model.qemu_cpu}, {"model", model.model}}.dump();
  }
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  if (!result.detect) CheckHardware(device, fields);
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  return result;
}

}  // namespace halyard
