// The program a board without an operating system runs: the firmware and one or more artifacts
// linked into its memories, and room worked out for every tensor, before anything is loaded.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "targets/device.h"
#include "targets/elf32.h"
#include "targets/firmware/mailbox.h"
#include "targets/run_protocol.h"

namespace halyard {

// The firmware's own data, mailbox and stack: kept from the kernels by the memory protection unit,
// directly below the kernels' stack, so that one which overflows faults.
inline constexpr uint32_t kPrivateBytes = 4096;

// Where the parts of an image lie.
struct FirmwareLayout {
  uint32_t code = 0, code_end = 0;
  const MemoryRegion* code_region = nullptr;
  uint32_t private_base = 0;  // in `data_region`
  const MemoryRegion* data_region = nullptr;
  uint32_t stack_low = 0, stack_high = 0;
  uint32_t free = 0;  // of data_region, above what is linked there
};

struct FirmwareImage {
  Elf32 elf;
  FirmwareLayout layout;
  bool armv8 = false;  // its memory protection unit is that of Armv8-M
};

// Addresses of tensors and workspace, in the order asked for.
struct Placement {
  std::vector<uint32_t> addresses;
};

// The script of ld.lld for a layout of which code, private_base and the stack are known.
std::string LinkerScript(const FirmwareLayout& layout);

// `memory`: of the device, or of its emulator. Tries each region that code runs from, flash first
// where `flash_first`, and takes the first in which all fits that one entry at a time needs.
// ResourceExhausted: what does not fit, in numbers. InvalidArgument: an artifact is not an object
// for this device, or lacks a function an entry names. `scratch`: a folder.
absl::StatusOr<FirmwareImage> LinkFirmware(const Device& device,
                                           const std::vector<MemoryRegion>& memory,
                                           bool flash_first,
                                           const std::vector<CandidateSpec>& candidates,
                                           const std::string& scratch);

// Function `symbol` of candidate `index` in an image.
std::string ImageSymbol(size_t index, const std::string& symbol);

// ResourceExhausted: says how many bytes the entry needs and how many there are.
absl::StatusOr<Placement> PlaceEntry(const FirmwareImage& image,
                                     const std::vector<MemoryRegion>& memory,
                                     const EntrySpec& entry, uint32_t workspace_bytes);

// Words for the memory protection unit: unprivileged code may execute and read the image, write the
// RAM outside the firmware's private part, and nothing else.
std::vector<MailboxMpuRegion> ProtectionOf(const FirmwareImage& image,
                                           const std::vector<MemoryRegion>& memory);

}  // namespace halyard
