// One entry's way through the mailbox: what the host writes there, and how it judges what it finds
// there and in the output afterwards.
#pragma once

#include <string>

#include "rpc_farm/firmware_image.h"
#include "targets/firmware/mailbox.h"

namespace halyard {

struct FirmwareJob {
  Mailbox mailbox;
  // Of the output with the guards on both sides.
  uint32_t output_address = 0, output_bytes = 0;
};

// `candidate`: its number in the image. InvalidArgument: more tensors or dimensions than a mailbox
// holds, or a probe point outside the output.
absl::StatusOr<FirmwareJob> MakeJob(const FirmwareImage& image,
                                    const std::vector<MemoryRegion>& memory, const EntrySpec& entry,
                                    size_t candidate, uint64_t seed, int runs, bool dwt_clock);

// Fills in all but times from the mailbox after the run and the bytes at output_address.
void JudgeOutput(const EntrySpec& entry, uint64_t seed, const Mailbox& after,
                 const std::string& output, EntryResult* result);

// Ticks of each timed run, the checked one first.
std::vector<double> TicksOf(const Mailbox& after, size_t runs);

// "UsageFault: unaligned access; pc 0x..., lr ..., r0 ..., CFSR 0x..." in one line.
std::string FaultText(const Mailbox& after);

}  // namespace halyard
