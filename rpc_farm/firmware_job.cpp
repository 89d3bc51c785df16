#include "rpc_farm/firmware_job.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "targets/counter_rng.h"

namespace halyard {
namespace {

constexpr uint32_t kExponent = 0x7f800000u;

MailboxTensor Describe(const BufferSpec& spec, uint32_t address) {
  MailboxTensor tensor = {};
  tensor.data = address;
  tensor.elements = static_cast<uint32_t>(spec.elements());
  tensor.rank = static_cast<uint32_t>(spec.extents.size());
  for (size_t d = 0; d < spec.extents.size(); ++d) {
    tensor.extents[d] = static_cast<uint32_t>(spec.extents[d]);
  }
  return tensor;
}

uint32_t WordAt(const std::string& bytes, uint64_t index) {
  uint32_t word;
  std::memcpy(&word, bytes.data() + 4 * index, sizeof word);
  return word;
}

float FloatAt(const std::string& bytes, uint64_t index) {
  float value;
  std::memcpy(&value, bytes.data() + 4 * index, sizeof value);
  return value;
}

double Projection(const EntrySpec& entry, uint64_t seed, const std::string& output) {
  const std::vector<int64_t>& extents = entry.canonical_output;
  std::vector<int64_t> at(extents.size(), 0);
  double sum = 0;
  for (int64_t i = 0; i < entry.output.elements(); ++i) {
    double sign = 1;
    for (size_t d = 0; d < extents.size(); ++d) {
      sign *= ProjectionSign(seed, d, static_cast<uint64_t>(at[d]));
    }
    sum += sign * FloatAt(output, kMailboxGuardWords + static_cast<uint64_t>(i));
    for (size_t d = extents.size(); d-- > 0;) {
      if (++at[d] < extents[d]) break;
      at[d] = 0;
    }
  }
  return sum;
}

struct Bit {
  uint32_t mask;
  const char* meaning;
};

// Armv7-M ARM, B3.2.15, and bit 20, stack overflow, of the Armv8-M ARM.
constexpr Bit kFaultBits[] = {
    {1u << 0, "fetch from memory it may not execute"},
    {1u << 1, "access to memory it may not touch"},
    {1u << 3, "memory fault on return from an exception"},
    {1u << 4, "stack overflow on entry to an exception"},
    {1u << 5, "memory fault while saving FP state"},
    {1u << 8, "bus error on a fetch"},
    {1u << 9, "bus error"},
    {1u << 10, "bus error, imprecise"},
    {1u << 12, "bus error, stack overflow on entry to an exception"},
    {1u << 16, "undefined instruction"},
    {1u << 17, "not in Thumb state"},
    {1u << 18, "bad return from an exception"},
    {1u << 19, "no such coprocessor"},
    {1u << 20, "stack overflow"},
    {1u << 24, "unaligned access"},
    {1u << 25, "division by zero"},
};

const char* ExceptionName(uint32_t number) {
  switch (number) {
    case 2:
      return "NMI";
    case 3:
      return "HardFault";
    case 4:
      return "MemManage fault";
    case 5:
      return "BusFault";
    case 6:
      return "UsageFault";
    case 7:
      return "SecureFault";
  }
  return "exception";
}

}  // namespace

absl::StatusOr<FirmwareJob> MakeJob(const FirmwareImage& image,
                                    const std::vector<MemoryRegion>& memory, const EntrySpec& entry,
                                    size_t candidate, uint64_t seed, int runs, bool dwt_clock) {
  std::vector<BufferSpec> buffers = entry.inputs;
  buffers.push_back(entry.output);
  if (entry.prepare) buffers.push_back(entry.prepare->packed);
  if (buffers.size() > kMailboxTensors) {
    return absl::InvalidArgumentError(
        fmt::format("{} tensors, a mailbox holds {}", buffers.size(), kMailboxTensors));
  }
  for (const BufferSpec& buffer : buffers) {
    if (buffer.extents.size() <= kMailboxRank) continue;
    return absl::InvalidArgumentError(fmt::format("a tensor of {} dimensions, a mailbox holds {}",
                                                  buffer.extents.size(), kMailboxRank));
  }
  for (int64_t point : entry.probe_points) {
    if (point >= 0 && point < entry.output.elements()) continue;
    return absl::InvalidArgumentError(entry.symbol + ": a probe point lies outside the output");
  }
  if (BufferSpec{entry.canonical_output}.elements() != entry.output.elements()) {
    return absl::InvalidArgumentError(entry.symbol +
                                      ": canonical_output and output differ in size");
  }
  if (entry.prepare &&
      (entry.prepare->input < 0 || entry.prepare->input >= static_cast<int>(entry.inputs.size()))) {
    return absl::InvalidArgumentError(entry.symbol + ": what is prepared is not one of the inputs");
  }
  const auto symbol = [&](const std::string& name) {
    return image.elf.ValueOf(ImageSymbol(candidate, name));
  };
  const auto workspace = symbol(entry.symbol + "_workspace_bytes");
  const uint32_t workspace_bytes = workspace.ok() ? *workspace : 0;
  const auto placed = PlaceEntry(image, memory, entry, workspace_bytes);
  if (!placed.ok()) return placed.status();
  FirmwareJob job = {};
  Mailbox& m = job.mailbox;
  m.version = kMailboxVersion;
  const auto kernel = symbol(entry.symbol + "_argv");
  if (!kernel.ok()) return kernel.status();
  m.kernel = *kernel;
  if (entry.prepare) {
    const auto prepare = symbol(entry.prepare->symbol + "_argv");
    if (!prepare.ok()) return prepare.status();
    m.prepare = *prepare;
    m.prepared_input = static_cast<uint32_t>(entry.prepare->input);
  }
  m.inputs = static_cast<uint32_t>(entry.inputs.size());
  m.seed_low = static_cast<uint32_t>(seed);
  m.seed_high = static_cast<uint32_t>(seed >> 32);
  m.runs = static_cast<uint32_t>(std::min(runs, kMailboxRuns));
  m.dwt_clock = dwt_clock ? 1 : 0;
  m.workspace = placed->addresses.back();
  m.workspace_bytes = workspace_bytes;
  m.stack_low = image.layout.stack_low;
  m.stack_high = image.layout.stack_high;
  for (const MailboxMpuRegion& region : ProtectionOf(image, memory)) {
    if (m.mpu_regions == kMailboxMpuRegions) {
      return absl::InvalidArgumentError("more memory regions than the protection unit has");
    }
    m.mpu[m.mpu_regions++] = region;
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    m.tensors[i] = Describe(buffers[i], placed->addresses[i]);
  }
  job.output_address = m.tensors[m.inputs].data - 4 * kMailboxGuardWords;
  job.output_bytes = 4 * (m.tensors[m.inputs].elements + 2 * kMailboxGuardWords);
  return job;
}

void JudgeOutput(const EntrySpec& entry, uint64_t seed, const Mailbox& after,
                 const std::string& output, EntryResult* result) {
  result->kernel_error = after.kernel_error;
  result->inputs_intact = after.inputs_intact != 0;
  const auto elements = static_cast<uint64_t>(entry.output.elements());
  for (uint32_t i = 0; i < kMailboxGuardWords; ++i) {
    if (WordAt(output, i) != kMailboxCanary ||
        WordAt(output, kMailboxGuardWords + elements + i) != kMailboxCanary) {
      result->guards_intact = false;
    }
  }
  for (uint64_t i = 0; i < elements; ++i) {
    const uint32_t word = WordAt(output, kMailboxGuardWords + i);
    result->poison_left += word == kMailboxPoison;
    result->non_finite += (word & kExponent) == kExponent;
  }
  for (int64_t point : entry.probe_points) {
    result->probe_values.push_back(
        FloatAt(output, kMailboxGuardWords + static_cast<uint64_t>(point)));
  }
  if (entry.projection) result->projection = Projection(entry, seed, output);
}

std::vector<double> TicksOf(const Mailbox& after, size_t runs) {
  std::vector<double> ticks;
  for (size_t i = 0; i <= runs && i <= kMailboxRuns; ++i) {
    ticks.push_back(std::ldexp(after.ticks[i][1], 32) + after.ticks[i][0]);
  }
  return ticks;
}

std::string FaultText(const Mailbox& after) {
  const MailboxFault& f = after.fault;
  std::string text = fmt::format("{} {}", ExceptionName(f.exception), f.exception);
  for (const Bit& bit : kFaultBits) {
    if ((f.cfsr & bit.mask) != 0) text += fmt::format(", {}", bit.meaning);
  }
  if ((f.cfsr & 1u << 7) != 0) text += fmt::format(" at 0x{:08x}", f.mmfar);
  if ((f.cfsr & 1u << 15) != 0) text += fmt::format(" at 0x{:08x}", f.bfar);
  // The frame of an exception is not written where there is no stack left for it.
  if (f.sp < after.stack_low) text += ": the stack overflowed";
  text += fmt::format("; CFSR 0x{:08x} HFSR 0x{:08x} sp 0x{:08x}", f.cfsr, f.hfsr, f.sp);
  if (f.stacked != 0) {
    text += fmt::format(
        " pc 0x{:08x} lr 0x{:08x} r0 0x{:08x} r1 0x{:08x} r2 0x{:08x} r3 0x{:08x} r12 0x{:08x} "
        "xPSR 0x{:08x}",
        f.pc, f.lr, f.r0, f.r1, f.r2, f.r3, f.r12, f.psr);
  }
  return text;
}

}  // namespace halyard
