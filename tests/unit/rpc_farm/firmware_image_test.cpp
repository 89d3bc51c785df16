#include "rpc_farm/firmware_image.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

constexpr uint32_t KiB = 1024;

const std::vector<MemoryRegion> kMemory = {
    {"flash", MemoryKind::kFlash, 0x08000000, 64 * KiB},
    {"sram", MemoryKind::kRam, 0x20000000, 64 * KiB},
    {"ccm", MemoryKind::kData, 0x10000000, 16 * KiB},
};

// Code of 3 KiB in flash, or in SRAM.
FirmwareImage Image(bool in_flash, bool armv8) {
  FirmwareImage image;
  image.armv8 = armv8;
  FirmwareLayout& l = image.layout;
  l.code_region = &kMemory[in_flash ? 0 : 1];
  l.data_region = &kMemory[in_flash ? 1 : 2];
  l.code = l.code_region->origin;
  l.code_end = l.code + 3 * KiB;
  l.private_base = l.data_region->origin;
  l.stack_low = l.private_base + kPrivateBytes;
  l.stack_high = l.stack_low + 4 * KiB;
  l.free = l.stack_high + 1 * KiB;
  return image;
}

EntrySpec Entry(int64_t in, int64_t out) {
  EntrySpec entry;
  entry.symbol = "kernel";
  entry.inputs = {{{in}}};
  entry.output = {{out}};
  entry.canonical_output = {out};
  return entry;
}

struct Range {
  uint64_t begin, end;
};

TEST(FirmwareImage, TensorsLieApartWithTheirGuardsAndInsideRam) {
  for (const bool in_flash : {true, false}) {
    const FirmwareImage image = Image(in_flash, false);
    const auto placed = PlaceEntry(image, kMemory, Entry(4000, 2000), 3000);
    ASSERT_TRUE(placed.ok()) << placed.status();
    ASSERT_EQ(placed->addresses.size(), 3u);
    const uint32_t guard = 4 * kMailboxGuardWords;
    const std::vector<Range> ranges = {
        {placed->addresses[0] - guard, placed->addresses[0] + 16000u + guard},
        {placed->addresses[1] - guard, placed->addresses[1] + 8000u + guard},
        {placed->addresses[2], placed->addresses[2] + 3000u},
        {image.layout.private_base, image.layout.free},
        {image.layout.code, image.layout.code_end}};
    for (size_t i = 0; i < ranges.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        EXPECT_TRUE(ranges[i].end <= ranges[j].begin || ranges[j].end <= ranges[i].begin)
            << i << " and " << j;
      }
      if (i >= 3) continue;
      bool inside = false;
      for (const MemoryRegion& region : kMemory) {
        inside |= region.kind != MemoryKind::kFlash && ranges[i].begin >= region.origin &&
                  ranges[i].end <= region.end();
      }
      EXPECT_TRUE(inside) << i;
    }
  }
}

TEST(FirmwareImage, WhatDoesNotFitIsSaidInBytes) {
  const auto placed = PlaceEntry(Image(true, false), kMemory, Entry(20000, 100), 4000);
  EXPECT_EQ(
      placed.status().message(),
      "tensors and 4000 bytes of workspace take 84656 bytes of RAM, 72704 are left, and one of "
      "80128 bytes fits into no memory");
}

// Whether unprivileged code may read or write at an address: the highest region of an Armv7-M MPU
// that covers it decides, the only one of an Armv8-M one.
bool Allowed(const std::vector<MailboxMpuRegion>& regions, bool armv8, uint32_t at, bool write) {
  bool allowed = false;
  for (const MailboxMpuRegion& r : regions) {
    if (armv8) {
      const uint32_t begin = r.base & ~31u, last = r.attributes | 31u;
      if (at >= begin && at <= last) allowed = !write || (r.base >> 1 & 3) == 1;
      continue;
    }
    const uint64_t size = uint64_t{2} << (r.attributes >> 1 & 31);
    if (at < r.base || at >= r.base + size) continue;
    const uint32_t permission = r.attributes >> 24 & 7;
    allowed = permission == 3 || (permission == 6 && !write);
  }
  return allowed;
}

TEST(FirmwareImage, ProtectionLetsKernelsTouchWhatIsTheirs) {
  for (const bool armv8 : {false, true}) {
    for (const bool in_flash : {true, false}) {
      const FirmwareImage image = Image(in_flash, armv8);
      const FirmwareLayout& l = image.layout;
      const auto regions = ProtectionOf(image, kMemory);
      EXPECT_LE(regions.size(), static_cast<size_t>(kMailboxMpuRegions));
      const auto may = [&](uint32_t at, bool write) { return Allowed(regions, armv8, at, write); };
      EXPECT_TRUE(may(l.code, false));
      EXPECT_TRUE(may(l.code_end - 1, false));
      EXPECT_FALSE(may(l.code, true));
      EXPECT_FALSE(may(l.code_end - 1, true));
      EXPECT_FALSE(may(0, false));
      EXPECT_FALSE(may(l.private_base, true));
      EXPECT_FALSE(may(l.private_base, false));
      EXPECT_FALSE(may(l.private_base + kPrivateBytes - 1, true));
      EXPECT_TRUE(may(l.stack_low, true));
      EXPECT_TRUE(may(static_cast<uint32_t>(l.data_region->end() - 1), true));
      EXPECT_FALSE(may(0xE000ED08, true));
    }
  }
}

TEST(FirmwareImage, AnArmv8UnitsRegionsDoNotOverlap) {
  for (const bool in_flash : {true, false}) {
    const auto regions = ProtectionOf(Image(in_flash, true), kMemory);
    for (size_t i = 0; i < regions.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        const uint32_t a = regions[i].base & ~31u, a_last = regions[i].attributes | 31u;
        const uint32_t b = regions[j].base & ~31u, b_last = regions[j].attributes | 31u;
        EXPECT_TRUE(a_last < b || b_last < a);
      }
    }
  }
}

}  // namespace
}  // namespace halyard
