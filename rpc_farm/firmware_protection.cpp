#include <bit>

#include "rpc_farm/firmware_image.h"

namespace halyard {
namespace {

struct Span {
  uint64_t begin, end;
};

// RASR of Armv7-M (Armv7-M ARM, B3.5.9): execute never, access permission, write-through memory,
// size, enable.
constexpr uint32_t kNeverExecute = 1u << 28, kPrivilegedOnly = 1u << 24, kReadWrite = 3u << 24,
                   kReadOnly = 6u << 24, kWriteThrough = 2u << 16, kEnable = 1;

// The smallest aligned power of two that covers a span: more than the span where it is not one.
MailboxMpuRegion Covering(Span span, uint32_t attributes) {
  uint64_t size = std::bit_ceil(span.end - span.begin);
  uint64_t base = span.begin & ~(size - 1);
  while (base + size < span.end) {
    size *= 2;
    base = span.begin & ~(size - 1);
  }
  const auto log = static_cast<uint32_t>(std::bit_width(size) - 1);
  return {static_cast<uint32_t>(base), attributes | kWriteThrough | (log - 1) << 1 | kEnable};
}

// Later regions come before earlier ones where they overlap.
std::vector<MailboxMpuRegion> Armv7(const FirmwareLayout& l,
                                    const std::vector<MemoryRegion>& memory) {
  std::vector<MailboxMpuRegion> regions;
  for (const MemoryRegion& region : memory) {
    const Span span{region.origin, region.end()};
    if (region.kind == MemoryKind::kFlash) {
      regions.push_back(Covering(span, kReadOnly));
    } else {
      const bool code = &region == l.code_region;
      regions.push_back(Covering(span, kReadWrite | (code ? 0 : kNeverExecute)));
    }
  }
  if (l.code_region->kind != MemoryKind::kFlash) {
    regions.push_back(Covering({l.code, l.code_end}, kReadOnly));
  }
  regions.push_back(
      Covering({l.private_base, l.private_base + kPrivateBytes}, kPrivilegedOnly | kNeverExecute));
  return regions;
}

// RBAR and RLAR of Armv8-M (Armv8-M ARM, D1.2.178 and D1.2.181): limits to 32 bytes, attribute 0,
// and no two regions may overlap.
MailboxMpuRegion Exactly(Span span, bool writable) {
  const uint32_t permissions = writable ? 1u << 1 | 1u : 3u << 1;  // with or without execute never
  return {static_cast<uint32_t>(span.begin) | permissions,
          (static_cast<uint32_t>(span.end - 1) & ~31u) | 1u};
}

std::vector<MailboxMpuRegion> Armv8(const FirmwareLayout& l,
                                    const std::vector<MemoryRegion>& memory) {
  std::vector<MailboxMpuRegion> regions = {Exactly({l.code, l.code_end}, false)};
  for (const MemoryRegion& region : memory) {
    if (region.kind == MemoryKind::kFlash) continue;
    uint64_t begin = &region == l.code_region ? l.code_end : region.origin;
    if (&region == l.data_region) {
      if (begin < l.private_base) regions.push_back(Exactly({begin, l.private_base}, true));
      begin = l.private_base + kPrivateBytes;
    }
    if (begin < region.end()) regions.push_back(Exactly({begin, region.end()}, true));
  }
  return regions;
}

}  // namespace

std::vector<MailboxMpuRegion> ProtectionOf(const FirmwareImage& image,
                                           const std::vector<MemoryRegion>& memory) {
  return image.armv8 ? Armv8(image.layout, memory) : Armv7(image.layout, memory);
}

}  // namespace halyard
