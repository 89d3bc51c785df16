// Where the tensors of a request go in the memories of a board without an operating system, and
// what its memory protection unit is told: of real devices' memories and of any others.
#include <algorithm>

#include "rpc_farm/firmware_image.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

struct Range {
  uint64_t begin, end;
  bool Overlaps(const Range& other) const { return begin < other.end && other.begin < end; }
};

const std::vector<std::vector<MemoryRegion>>& Memories() {
  static const std::vector<std::vector<MemoryRegion>> all = [] {
    std::vector<std::vector<MemoryRegion>> memories;
    for (const char* id : {"cortex-m4", "cortex-m7", "cortex-m55"}) {
      const Device device = LoadDevice(id).value();
      memories.push_back(device.firmware->memory);
      memories.push_back(device.firmware->emulator.memory);
    }
    // To the last address there is.
    memories.push_back({{"flash", MemoryKind::kFlash, 0, 1u << 16},
                        {"ram", MemoryKind::kRam, 0xfffe0000, 0x20000}});
    return memories;
  }();
  return all;
}

int64_t Extent(FuzzInput& input) {
  return 1 + static_cast<int64_t>(input.OneIn(4) ? input.Integer() % (uint64_t{1} << 20)
                                                 : input.Below(256) * input.Below(64));
}

EntrySpec Entry(FuzzInput& input) {
  EntrySpec entry;
  entry.symbol = "kernel";
  for (size_t n = input.Below(4); n > 0; --n) entry.inputs.push_back({{Extent(input)}});
  entry.output = {{Extent(input)}};
  if (!entry.inputs.empty() && input.OneIn(4)) {
    entry.prepare = PrepareSpec{"pack", 0, {{Extent(input)}}};
  }
  return entry;
}

// As a linker would lay it out; nothing where it does not fit.
std::optional<FirmwareImage> Image(FuzzInput& input, const std::vector<MemoryRegion>& memory) {
  FirmwareImage image;
  image.armv8 = input.Flip();
  FirmwareLayout& l = image.layout;
  l.code_region = &input.Pick(memory);
  l.data_region = &input.Pick(memory);
  if (l.code_region->kind == MemoryKind::kData || l.data_region->kind == MemoryKind::kFlash) {
    return std::nullopt;
  }
  const uint32_t code_bytes = 32 * static_cast<uint32_t>(1 + input.Below(256) * input.Below(16));
  const uint64_t stack = 32 * (1 + input.Below(256)), data = 4 * input.Below(256);
  uint64_t at = l.data_region->origin;
  if (l.data_region == l.code_region) at += std::max(kPrivateBytes, std::bit_ceil(code_bytes));
  const uint64_t free = at + kPrivateBytes + stack + data;
  if (l.code_region->origin + uint64_t{code_bytes} > l.code_region->end() ||
      free >= l.data_region->end()) {
    return std::nullopt;
  }
  l.code = l.code_region->origin;
  l.code_end = l.code + code_bytes;
  l.private_base = static_cast<uint32_t>(at);
  l.stack_low = l.private_base + kPrivateBytes;
  l.stack_high = static_cast<uint32_t>(l.stack_low + stack);
  l.free = static_cast<uint32_t>(free);
  return image;
}

void CheckPlaces(const FirmwareImage& image, const std::vector<MemoryRegion>& memory,
                 const EntrySpec& entry, uint32_t workspace, const Placement& placement) {
  std::vector<int64_t> elements;
  for (const BufferSpec& input : entry.inputs) elements.push_back(input.elements());
  elements.push_back(entry.output.elements());
  if (entry.prepare) elements.push_back(entry.prepare->packed.elements());
  Require(placement.addresses.size() == elements.size() + 1, "every tensor and the workspace");
  constexpr uint64_t kGuard = 4 * kMailboxGuardWords;
  std::vector<Range> ranges;
  for (size_t i = 0; i < elements.size(); ++i) {
    const uint64_t begin = placement.addresses[i];
    ranges.push_back({begin - kGuard, begin + 4 * static_cast<uint64_t>(elements[i]) + kGuard});
  }
  ranges.push_back({placement.addresses.back(), placement.addresses.back() + uint64_t{workspace}});
  const FirmwareLayout& l = image.layout;
  const Range own = {l.private_base, l.free}, code = {l.code, l.code_end};
  for (size_t i = 0; i < ranges.size(); ++i) {
    const Range& range = ranges[i];
    const bool inside = std::any_of(memory.begin(), memory.end(), [&](const MemoryRegion& m) {
      return m.kind != MemoryKind::kFlash && range.begin >= m.origin && range.end <= m.end();
    });
    Require(inside, "a tensor and its guards lie in RAM");
    Require(!range.Overlaps(own) && !range.Overlaps(code), "and apart from the firmware");
    for (size_t j = 0; j < i; ++j) Require(!range.Overlaps(ranges[j]), "and from each other");
  }
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using halyard::Require;
  halyard::FuzzInput input(data, size);
  const auto& memory = input.Pick(halyard::Memories());
  const auto image = halyard::Image(input, memory);
  if (!image) return 0;
  Require(!ProtectionOf(*image, memory).empty() &&
              ProtectionOf(*image, memory).size() <= size_t{halyard::kMailboxMpuRegions},
          "the unit has as many regions");
  while (!input.empty()) {
    const halyard::EntrySpec entry = halyard::Entry(input);
    const auto workspace = static_cast<uint32_t>(input.OneIn(4) ? input.Integer() : 0);
    const auto placed = PlaceEntry(*image, memory, entry, workspace);
    if (placed.ok()) {
      halyard::CheckPlaces(*image, memory, entry, workspace, *placed);
    } else {
      Require(absl::IsResourceExhausted(placed.status()), "what does not fit is said");
    }
  }
  return 0;
}
