#include "targets/device_snapshot.h"

#include <fmt/format.h>

namespace halyard {

using nlohmann::json;

// Where argument-dependent lookup finds them; the snapshot's names are the fields'.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CacheLevel, bytes, line_bytes, shared_by_cores)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CoreCluster, cpu, cores, clock_ghz, fma_per_cycle)

namespace {

// Calls field(name, value, needed) for each; those not needed came later than the first snapshots.
template <typename AnyDevice, typename Field>
void VisitFields(AnyDevice& d, const Field& field) {
  field("id", d.id, true);
  field("description", d.description, true);
  field("halide_target", d.halide_target, true);
  field("triplet", d.triplet, true);
  field("toolchain", d.toolchain, false);
  field("cpu", d.cpu, true);
  field("cores", d.cores, true);
  field("clusters", d.clusters, false);
  field("vector_bytes", d.vector_bytes, true);
  field("vector_registers", d.vector_registers, true);
  field("fma_per_cycle", d.fma_per_cycle, true);
  field("clock_ghz", d.clock_ghz, true);
  field("copy_gb_per_s", d.copy_gb_per_s, true);
  field("memory_bytes", d.memory_bytes, true);
  field("stack_bytes", d.stack_bytes, true);
  field("caches", d.caches, true);
}

constexpr const char* kHardwareFields[] = {
    "halide_target", "triplet",          "cpu",    "cores",      "clusters",     "vector_bytes",
    "clock_ghz",     "vector_registers", "caches", "board_kind", "virtual_board"};

}  // namespace

json DeviceSnapshot(const Device& device) {
  json snapshot;
  VisitFields(device, [&](const char* name, const auto& value, bool) { snapshot[name] = value; });
  snapshot["board_kind"] = BoardKindName(device.board_kind());
  if (device.board_kind() != BoardKind::kPhysical && !device.virtual_board_text.empty()) {
    snapshot["virtual_board"] = json::parse(device.virtual_board_text);
  }
  return snapshot;
}

Device DeviceFromSnapshot(const json& snapshot) {
  Device device;
  VisitFields(device, [&](const char* name, auto& value, bool needed) {
    if (needed || snapshot.contains(name)) snapshot.at(name).get_to(value);
  });
  switch (BoardKindFromName(snapshot.at("board_kind").get<std::string>())
              .value_or(BoardKind::kPhysical)) {
    case BoardKind::kVirtual:
      device.board.reach = BoardReach::kVirtual;
      break;
    case BoardKind::kSimulated:
      device.board.reach = BoardReach::kSimulated;
      break;
    case BoardKind::kPhysical:
      device.board.reach = BoardReach::kLocal;
  }
  return device;
}

std::string HardwareDifference::ToText() const {
  if (then.is_structured() || now.is_structured()) return field;
  return fmt::format("{} {}, now {}", field, then.dump(), now.dump());
}

std::string HardwareText(const std::string& snapshot) {
  const json all = json::parse(snapshot);
  json hardware;
  for (const char* field : kHardwareFields) {
    if (const auto value = all.find(field); value != all.end()) hardware[field] = *value;
  }
  return hardware.dump();
}

std::vector<HardwareDifference> HardwareDifferences(const json& then, const json& now) {
  std::vector<HardwareDifference> differences;
  for (const char* field : kHardwareFields) {
    const auto a = then.find(field), b = now.find(field);
    if (a == then.end() || b == now.end() || *a == *b) continue;
    differences.push_back({field, *a, *b});
  }
  return differences;
}

}  // namespace halyard
