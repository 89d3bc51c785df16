#include "targets/firmware_target.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "absl/strings/numbers.h"

namespace halyard {
namespace {

using nlohmann::json;

// Less holds not even a vector table and a stack.
constexpr int64_t kSmallestRegion = 1024;
// The architecture's range for code and SRAM; peripherals begin above (Armv7-M ARM, B3.1), external
// RAM lies between 0x60000000 and this.
constexpr uint64_t kMemoryEnd = 0xa0000000;

void ReadOrigin(JsonFields& fields, uint32_t* origin) {
  std::string text;
  fields.Text("origin", &text);
  if (text.empty()) return;
  if (!text.starts_with("0x") || !absl::SimpleHexAtoi(text, origin)) {
    fields.Fail("origin", "must be an address such as \"0x20000000\"");
  }
}

void ReadKind(JsonFields& fields, MemoryKind* kind) {
  const std::map<std::string, MemoryKind> kinds = {
      {"flash", MemoryKind::kFlash}, {"ram", MemoryKind::kRam}, {"data", MemoryKind::kData}};
  std::string text;
  fields.Text("kind", &text);
  if (text.empty()) return;
  const auto found = kinds.find(text);
  if (found == kinds.end()) {
    return fields.Fail("kind", "must be \"flash\", \"ram\" or \"data\"");
  }
  *kind = found->second;
}

MemoryRegion ReadRegion(const json& object, JsonFields& parent, const std::string& name) {
  MemoryRegion region;
  JsonFields fields(object, parent.file(), parent.FieldName(name) + ".");
  fields.Text("name", &region.name);
  if (region.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos) {
    fields.Fail("name", "must be of small letters, digits and underscores");
  }
  ReadKind(fields, &region.kind);
  ReadOrigin(fields, &region.origin);
  fields.Integer("bytes", kSmallestRegion, &region.bytes);
  if (region.origin % 1024 != 0) fields.Fail("origin", "must be a multiple of 1024");
  if (region.end() > kMemoryEnd) {
    fields.Fail("bytes", fmt::format("reach beyond 0x{:x}, where no memory is", kMemoryEnd));
  }
  parent.Take(fields.Finish());
  return region;
}

void ReadMemory(JsonFields& fields, std::vector<MemoryRegion>* memory) {
  const json* list = fields.Required("memory");
  if (list == nullptr) return;
  if (!list->is_array()) return fields.Fail("memory", "must be a list");
  for (size_t i = 0; i < list->size(); ++i) {
    memory->push_back(ReadRegion((*list)[i], fields, fmt::format("memory[{}]", i)));
    const MemoryRegion& region = memory->back();
    for (size_t j = 0; j < i; ++j) {
      const MemoryRegion& other = (*memory)[j];
      if (region.name == other.name) {
        fields.Fail(fmt::format("memory[{}].name", i),
                    fmt::format("'{}' is memory[{}]'s, too", region.name, j));
      }
      if (region.origin < other.end() && other.origin < region.end()) {
        fields.Fail(fmt::format("memory[{}]", i),
                    fmt::format("'{}' overlaps memory[{}] '{}'", region.name, j, other.name));
      }
    }
  }
  const auto all = [&](MemoryKind kind) {
    return std::all_of(memory->begin(), memory->end(),
                       [kind](const MemoryRegion& r) { return r.kind == kind; });
  };
  if (all(MemoryKind::kFlash)) fields.Fail("memory", "has no region of kind \"ram\" or \"data\"");
  if (all(MemoryKind::kData)) fields.Fail("memory", "has no region that code runs from");
}

absl::Status ReadCosts(JsonFields fields, InstructionCosts* costs) {
  fields.PositiveNumber("issue_width", &costs->issue_width);
  fields.PositiveNumber("per_register", &costs->per_register);
  const json* ports = fields.Required("ports");
  if (ports == nullptr) return fields.Finish();
  if (!ports->is_object() || ports->empty()) fields.Fail("ports", "must be an object of ports");
  for (const auto& [port, classes] : ports->items()) {
    const std::string path = "ports." + port;
    if (!classes.is_object()) {
      fields.Fail(path, "must be an object of cycles");
      continue;
    }
    for (const auto& [name, cycles] : classes.items()) {
      fields.AsPositive(fmt::format("{}.{}", path, name), cycles, &costs->ports[port][name]);
    }
  }
  return fields.Finish();
}

}  // namespace

absl::Status ReadFirmwareTarget(JsonFields fields, FirmwareTarget* target) {
  fields.Text("llc_cpu", &target->llc_cpu);
  std::string clock;
  fields.Text("clock_source", &clock);
  if (clock == "systick") {
    target->clock = ClockSource::kSysTick;
  } else if (!clock.empty() && clock != "dwt") {
    fields.Fail("clock_source", "must be \"dwt\" or \"systick\"");
  }
  ReadMemory(fields, &target->memory);
  if (const json* object = fields.Find("emulator"); object != nullptr) {
    FirmwareEmulator& emulator = target->emulator;
    JsonFields inner(*object, fields.file(), fields.FieldName("emulator."));
    inner.Text("machine", &emulator.machine);
    inner.Integer("icount_shift", 0, &emulator.icount_shift);
    // qemu's own limit.
    if (emulator.icount_shift > 10) inner.Fail("icount_shift", "must be at most 10");
    inner.PositiveInt("clock_hz", &emulator.clock_hz);
    ReadMemory(inner, &emulator.memory);
    if (const json* costs = inner.Find("costs"); costs != nullptr) {
      inner.Take(
          ReadCosts(JsonFields(*costs, fields.file(), inner.FieldName("costs.")), &emulator.costs));
    }
    fields.Take(inner.Finish());
  }
  return fields.Finish();
}

}  // namespace halyard
