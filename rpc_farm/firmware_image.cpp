#include "rpc_farm/firmware_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <fstream>

#include "absl/strings/match.h"
#include "rpc_farm/artifact_file.h"
#include "rpc_farm/read_file.h"
#include "rpc_farm/runner_outcome.h"
#include "targets/child_process.h"

namespace halyard {
namespace {

constexpr uint32_t kAlignment = 16;

// In 64 bits: what is above a memory at the end of all addresses is not at their beginning.
uint64_t RoundUp(uint64_t n, uint64_t to) { return (n + to - 1) / to * to; }

absl::StatusOr<std::string> RunTool(const std::vector<std::string>& argv) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(20);
  const ChildResult result = RunChild(argv, "", limits);
  if (!result.started) {
    return absl::UnavailableError(fmt::format("{} could not be started: {}", argv[0], result.err));
  }
  if (result.exit_code == 0) return result.err;
  return absl::InvalidArgumentError(OneLine(fmt::format("{}: {}", argv[0], result.err)));
}

struct Object {
  std::string path;
  Elf32 elf;
};

// The artifact with its functions renamed, so that several go into one image.
absl::StatusOr<Object> TakeCandidate(const CandidateSpec& candidate, size_t index,
                                     const std::string& scratch) {
  const auto bytes = ReadArtifact(candidate.artifact_path);
  if (!bytes.ok()) return bytes.status();
  auto elf = ParseElf32(*bytes);
  if (!elf.ok() || !elf->relocatable) {
    return absl::InvalidArgumentError(
        fmt::format("bad artifact: not an object for this device: {}",
                    elf.ok() ? "it is linked already" : std::string(elf.status().message())));
  }
  std::vector<std::string> rename = {"llvm-objcopy-14"};
  for (const auto& [name, symbol] : elf->symbols) {
    if (!symbol.defined) continue;
    rename.push_back(fmt::format("--redefine-sym={}={}", name, ImageSymbol(index, name)));
  }
  Object object{fmt::format("{}/candidate{}.o", scratch, index), *std::move(elf)};
  rename.insert(rename.end(), {candidate.artifact_path, object.path});
  const auto renamed = RunTool(rename);
  if (!renamed.ok()) return renamed.status();
  return object;
}

// Regions an image's code may lie in, best first.
std::vector<const MemoryRegion*> CodeRegions(const std::vector<MemoryRegion>& memory,
                                             bool flash_first) {
  std::vector<const MemoryRegion*> regions;
  const MemoryKind kinds[] = {flash_first ? MemoryKind::kFlash : MemoryKind::kRam,
                              flash_first ? MemoryKind::kRam : MemoryKind::kFlash};
  for (MemoryKind kind : kinds) {
    for (const MemoryRegion& region : memory) {
      if (region.kind == kind) regions.push_back(&region);
    }
  }
  return regions;
}

// Code at the beginning of its region; data in another one where there is another.
FirmwareLayout Plan(const std::vector<MemoryRegion>& memory, const MemoryRegion* code_region,
                    uint64_t code_bytes, int64_t stack_bytes) {
  FirmwareLayout layout;
  layout.code_region = code_region;
  layout.code = code_region->origin;
  for (const MemoryRegion& region : memory) {
    if (region.kind == MemoryKind::kFlash) continue;
    if (layout.data_region == nullptr || layout.data_region == code_region) {
      layout.data_region = &region;
    }
  }
  layout.private_base = layout.data_region->origin;
  if (layout.data_region == code_region) {
    // The MPU of Armv7-M protects powers of two.
    layout.private_base +=
        std::max(kPrivateBytes, std::bit_ceil(static_cast<uint32_t>(code_bytes)));
  }
  layout.stack_low = layout.private_base + kPrivateBytes;
  layout.stack_high =
      layout.stack_low + static_cast<uint32_t>(RoundUp(static_cast<uint64_t>(stack_bytes), 32));
  return layout;
}

absl::Status CheckEntries(const Device& device, const FirmwareImage& image,
                          const std::vector<MemoryRegion>& memory,
                          const std::vector<CandidateSpec>& candidates) {
  const FirmwareLayout& l = image.layout;
  if (l.code_end > l.code_region->end()) {
    return absl::ResourceExhaustedError(
        fmt::format("code and constants take {} bytes, '{}' of {} has {}", l.code_end - l.code,
                    l.code_region->name, device.id, l.code_region->bytes));
  }
  if (l.free > l.data_region->end()) {
    return absl::ResourceExhaustedError(fmt::format(
        "stack and data take {} bytes, '{}' of {} has {}", l.free - l.data_region->origin,
        l.data_region->name, device.id, l.data_region->bytes));
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    for (const EntrySpec& entry : candidates[i].entries) {
      for (const std::string& symbol :
           {entry.symbol, entry.prepare ? entry.prepare->symbol : entry.symbol}) {
        if (image.elf.ValueOf(ImageSymbol(i, symbol + "_argv")).ok()) continue;
        return absl::InvalidArgumentError(
            fmt::format("the artifact does not export {}_argv", symbol));
      }
      const auto workspace = image.elf.ValueOf(ImageSymbol(i, entry.symbol + "_workspace_bytes"));
      const auto placed = PlaceEntry(image, memory, entry, workspace.ok() ? *workspace : 0);
      if (!placed.ok()) return placed.status();
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string ImageSymbol(size_t index, const std::string& symbol) {
  return fmt::format("candidate{}_{}", index, symbol);
}

std::string LinkerScript(const FirmwareLayout& l) {
  return fmt::format(R"(ENTRY(halyard_reset)
SECTIONS {{
  .code 0x{:x} : {{
    KEEP(*(.vectors))
    *(.text .text.*)
    *(.rodata .rodata.*)
    . = ALIGN(32);
  }}
  halyard_code_end = .;
  .private 0x{:x} : {{ *firmware.o(.data .data.*) . = ALIGN(4); }}
  .private_bss (NOLOAD) : {{
    halyard_bss_begin = .;
    *firmware.o(.bss .bss.* COMMON)
    . = ALIGN(4);
    halyard_bss_end = .;
    *(.mailbox)
    halyard_private_end = .;
  }}
  halyard_handler_stack_top = 0x{:x};
  .shared_data 0x{:x} : {{ *(.data .data.*) . = ALIGN(4); }}
  .shared_bss (NOLOAD) : {{
    halyard_kernel_bss_begin = .;
    *(.shared)
    *(.bss .bss.* COMMON)
    . = ALIGN(32);
    halyard_kernel_bss_end = .;
  }}
  halyard_free = .;
  /DISCARD/ : {{ *(.ARM.exidx* .ARM.extab* .eh_frame* .comment .note*) }}
}}
ASSERT(halyard_private_end + 1024 <= halyard_handler_stack_top, "the firmware's own data is too large")
)",
                     l.code, l.private_base, l.private_base + kPrivateBytes, l.stack_high);
}

absl::StatusOr<FirmwareImage> LinkFirmware(const Device& device,
                                           const std::vector<MemoryRegion>& memory,
                                           bool flash_first,
                                           const std::vector<CandidateSpec>& candidates,
                                           const std::string& scratch) {
  const std::string firmware = DataPath("firmware/" + device.triplet + "/firmware.o");
  const auto own = ParseElf32(ReadFile(firmware));
  if (!own.ok()) return absl::UnavailableError(firmware + ": " + own.status().ToString());
  std::vector<Object> objects;
  uint64_t code_bytes = own->code_bytes, frames = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    auto object = TakeCandidate(candidates[i], i, scratch);
    if (!object.ok()) return object.status();
    code_bytes += object->elf.code_bytes + 2 * kAlignment;
    frames = std::max(frames, object->elf.frame_bytes);
    objects.push_back(*std::move(object));
  }
  if (static_cast<int64_t>(frames) > device.stack_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the functions' frames take {} bytes of stack, {} has {}", frames, device.id,
                    device.stack_bytes));
  }
  absl::Status last;
  for (const MemoryRegion* region : CodeRegions(memory, flash_first)) {
    if (code_bytes > region->bytes) {
      last = absl::ResourceExhaustedError(
          fmt::format("code and constants take {} bytes, '{}' of {} has {}", code_bytes,
                      region->name, device.id, region->bytes));
      continue;
    }
    FirmwareImage image;
    image.armv8 = absl::StartsWith(device.triplet, "thumbv8");
    image.layout = Plan(memory, region, code_bytes + 1024, device.stack_bytes);
    const std::string script = scratch + "/image.ld", out = scratch + "/image.elf";
    std::ofstream(script) << LinkerScript(image.layout);
    std::vector<std::string> link = {"ld.lld-14", "--build-id=none", "-T", script, "-o",
                                     out,         firmware};
    for (const Object& object : objects) link.push_back(object.path);
    const auto linked = RunTool(link);
    if (!linked.ok()) return linked.status();
    auto elf = ParseElf32(ReadFile(out));
    if (!elf.ok()) return elf.status();
    image.elf = *std::move(elf);
    const auto code_end = image.elf.ValueOf("halyard_code_end");
    const auto free = image.elf.ValueOf("halyard_free");
    if (!code_end.ok() || !free.ok()) return absl::InternalError("the linker left out a symbol");
    image.layout.code_end = *code_end;
    image.layout.free = *free;
    last = CheckEntries(device, image, memory, candidates);
    if (last.ok()) return image;
    if (!absl::IsResourceExhausted(last)) return last;
  }
  return last;
}

absl::StatusOr<Placement> PlaceEntry(const FirmwareImage& image,
                                     const std::vector<MemoryRegion>& memory,
                                     const EntrySpec& entry, uint32_t workspace_bytes) {
  struct Span {
    uint64_t begin, end;
  };
  const FirmwareLayout& l = image.layout;
  std::vector<Span> spans;
  for (const MemoryRegion& region : memory) {
    if (region.kind == MemoryKind::kFlash) continue;
    if (&region == l.data_region) {
      spans.push_back({l.free, region.end()});
    } else {
      // Code is protected up to a power of two.
      const uint64_t code_bytes = std::bit_ceil(l.code_end - l.code);
      spans.push_back(
          {&region == l.code_region ? l.code + code_bytes : region.origin, region.end()});
    }
  }
  std::vector<uint64_t> sizes;
  const auto guarded = [](const BufferSpec& b) {
    return 4 * static_cast<uint64_t>(b.elements()) + 8 * kMailboxGuardWords;
  };
  for (const BufferSpec& input : entry.inputs) sizes.push_back(guarded(input));
  sizes.push_back(guarded(entry.output));
  if (entry.prepare) sizes.push_back(guarded(entry.prepare->packed));
  sizes.push_back(workspace_bytes);
  // The largest first, each into the first span that holds it.
  std::vector<size_t> order(sizes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return sizes[a] > sizes[b]; });
  uint64_t needed = 0, there = 0;
  for (uint64_t size : sizes) needed += size;
  for (const Span& span : spans) there += span.end > span.begin ? span.end - span.begin : 0;
  Placement placement;
  placement.addresses.resize(sizes.size());
  for (size_t i : order) {
    const auto fits = [&](const Span& span) {
      return RoundUp(span.begin, kAlignment) + sizes[i] <= span.end;
    };
    const auto span = std::find_if(spans.begin(), spans.end(), fits);
    if (span == spans.end()) {
      return absl::ResourceExhaustedError(fmt::format(
          "tensors and {} bytes of workspace take {} bytes of RAM, {} are left, and one "
          "of {} bytes fits into no memory",
          workspace_bytes, needed, there, sizes[i]));
    }
    const uint64_t begin = RoundUp(span->begin, kAlignment);
    const bool is_tensor = i + 1 != sizes.size();
    placement.addresses[i] =
        static_cast<uint32_t>(is_tensor ? begin + 4 * kMailboxGuardWords : begin);
    span->begin = begin + sizes[i];
  }
  return placement;
}

}  // namespace halyard
