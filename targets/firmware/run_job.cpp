#include "targets/firmware/run_job.h"

#include "targets/counter_rng.h"
#include "targets/firmware/clock.h"
#include "targets/firmware/mailbox.h"
#include "targets/firmware/registers.h"
#include "targets/kernel_runtime/workspace.h"
#include "targets/virtual_board/thumb_markers.h"

#define AS_TEXT(number) #number
#define MARKER_OF(first, second) ".inst.n " AS_TEXT(first) "\n.inst.n " AS_TEXT(second) "\n"
#define MARKER(which) MARKER_OF(THUMB_MARKER_FIRST, which)

extern "C" {
// Not cleared at the start: the host wrote it before.
[[gnu::section(".mailbox"), gnu::used]] halyard::Mailbox halyard_mailbox;

[[noreturn, gnu::noinline, gnu::used]] void halyard_stop() {
  for (;;) asm volatile("nop");
}

// int call(int (*function)(void**), void** arguments, uint32_t stack): `function` unprivileged, on
// a stack of its own.
int halyard_call_unprivileged(int (*function)(void**), void** arguments, uint32_t stack);
[[gnu::naked]] int halyard_call_unprivileged(int (*)(void**), void**, uint32_t) {
  asm volatile(
      "push {r4-r11, lr}\n"
      "mov r3, r0\n"
      "mov r0, r1\n"
      "msr psp, r2\n"
      "movs r2, #3\n"
      "msr control, r2\n"
      "isb\n"
      MARKER(THUMB_MARKER_BEGIN)
      "blx r3\n"
      MARKER(THUMB_MARKER_END)
      "svc #0\n"
      "movs r2, #0\n"
      "msr control, r2\n"
      "isb\n"
      "pop {r4-r11, pc}\n");
}

// `sp`: of the frame, on the kernel's stack or the firmware's own.
[[noreturn, gnu::used]] void halyard_record_fault(uint32_t sp, uint32_t exception) {
  using halyard::Register;
  halyard::MailboxFault& fault = halyard_mailbox.fault;
  fault.exception = exception;
  fault.cfsr = Register<halyard::kConfigurableFaults>();
  fault.hfsr = Register<halyard::kHardFaults>();
  fault.mmfar = Register<halyard::kMemManageAddress>();
  fault.bfar = Register<halyard::kBusFaultAddress>();
  fault.sp = sp;
  fault.stacked = sp >= halyard_mailbox.stack_low && sp + 32 <= halyard_mailbox.stack_high;
  if (fault.stacked != 0) {
    const auto* frame = reinterpret_cast<const uint32_t*>(sp);
    uint32_t* const out[] = {&fault.r0,  &fault.r1, &fault.r2, &fault.r3,
                             &fault.r12, &fault.lr, &fault.pc, &fault.psr};
    for (int i = 0; i < 8; ++i) *out[i] = frame[i];
  }
  halyard_mailbox.state = halyard::kMailboxFaulted;
  halyard_stop();
}
}

namespace halyard {
namespace {

// As halide_buffer_t and halide_dimension_t of Halide's HalideRuntime.h are laid out on a 32-bit
// core.
struct Dimension {
  int32_t min, extent, stride;
  uint32_t flags;
};
struct Buffer {
  uint64_t device;
  const void* device_interface;
  float* host;
  uint64_t flags;
  uint8_t type_code, type_bits;
  uint16_t type_lanes;
  int32_t dimensions;
  Dimension* dim;
  void* padding;
};
static_assert(sizeof(Buffer) == 40 && sizeof(Dimension) == 16);

// What a kernel may write lies in a section that the MPU lets it.
struct Arguments {
  Buffer buffers[kMailboxTensors];
  Dimension dims[kMailboxTensors][kMailboxRank];
  halyard_workspace workspace;
  const void* user_context;
  void* kernel[kMailboxTensors + 1];
  void* prepare[3];
};
[[gnu::section(".shared")]] Arguments shared;

float* DataOf(const MailboxTensor& tensor) { return reinterpret_cast<float*>(tensor.data); }

void FillGuards(const MailboxTensor& tensor) {
  auto* words = reinterpret_cast<uint32_t*>(tensor.data);
  for (uint32_t i = 0; i < kMailboxGuardWords; ++i) {
    words[tensor.elements + i] = kMailboxCanary;
    *(words - 1 - i) = kMailboxCanary;
  }
}

// Of the tensor and its guards.
uint32_t Checksum(const MailboxTensor& tensor) {
  const auto* word = reinterpret_cast<const uint32_t*>(tensor.data) - kMailboxGuardWords;
  const uint32_t* const end = word + tensor.elements + 2 * kMailboxGuardWords;
  uint32_t sum = 0x9e3779b9u;
  for (; word != end; ++word) sum = ((sum << 5) | (sum >> 27)) ^ (*word * 0x85ebca6bu);
  return sum;
}

void FillUniform(const MailboxTensor& tensor, uint64_t seed, uint32_t stream) {
  float* const data = DataOf(tensor);
  for (uint32_t i = 0; i < tensor.elements; ++i) data[i] = CounterUniform(seed, stream, i);
}

void Poison(const MailboxTensor& tensor) {
  auto* words = reinterpret_cast<uint32_t*>(tensor.data);
  for (uint32_t i = 0; i < tensor.elements; ++i) words[i] = kMailboxPoison;
}

void Describe(const MailboxTensor& tensor, Buffer* buffer, Dimension* dims) {
  *buffer = {};
  int32_t stride = 1;
  for (uint32_t i = 0; i < tensor.rank; ++i) {
    const auto extent = static_cast<int32_t>(tensor.extents[tensor.rank - 1 - i]);
    dims[i] = {0, extent, stride, 0};
    stride *= extent;
  }
  buffer->host = DataOf(tensor);
  buffer->type_code = 2;  // halide_type_float
  buffer->type_bits = 32;
  buffer->type_lanes = 1;
  buffer->dimensions = static_cast<int32_t>(tensor.rank);
  buffer->dim = dims;
}

int Nothing(void**) { return 0; }

int Call(uint32_t function, void** arguments) {
  return halyard_call_unprivileged(reinterpret_cast<int (*)(void**)>(function), arguments,
                                   halyard_mailbox.stack_high);
}

uint64_t TimedCall(uint32_t function, void** arguments, int* result) {
  const uint64_t begin = ReadClock();
  *result = Call(function, arguments);
  return ReadClock() - begin;
}

void ProtectMemory(const Mailbox& job) {
#if __ARM_ARCH >= 8
  Register<kMpuMemoryTypes>() = 0xff;  // 0: normal memory, write back, as it is without an MPU
#endif
  for (uint32_t i = 0; i < job.mpu_regions; ++i) {
    Register<kMpuNumber>() = i;
    Register<kMpuBase>() = job.mpu[i].base;
    Register<kMpuAttributes>() = job.mpu[i].attributes;
  }
  Register<kMpuControl>() = 5;  // privileged code sees what it always does
  asm volatile("dsb\n isb" ::: "memory");
}

// Arguments of the kernel: the user context, then buffers; what is prepared stands in for an input.
void SetArguments(const Mailbox& job) {
  shared.workspace = {reinterpret_cast<uint8_t*>(job.workspace), job.workspace_bytes, 0, 0};
  shared.user_context = &shared.workspace;
  shared.kernel[0] = &shared.user_context;
  const uint32_t buffers = job.inputs + 1 + (job.prepare != 0 ? 1 : 0);
  for (uint32_t i = 0; i < buffers; ++i) {
    Describe(job.tensors[i], &shared.buffers[i], shared.dims[i]);
    if (i <= job.inputs) shared.kernel[1 + i] = &shared.buffers[i];
  }
  if (job.prepare == 0) return;
  shared.prepare[0] = &shared.user_context;
  shared.prepare[1] = shared.kernel[1 + job.prepared_input];
  shared.prepare[2] = &shared.buffers[job.inputs + 1];
  shared.kernel[1 + job.prepared_input] = shared.prepare[2];
}

void Run(Mailbox& job) {
  const uint64_t seed = uint64_t{job.seed_high} << 32 | job.seed_low;
  uint32_t sums[kMailboxTensors];
  for (uint32_t i = 0; i < job.inputs; ++i) {
    FillGuards(job.tensors[i]);
    FillUniform(job.tensors[i], seed, i);
    sums[i] = Checksum(job.tensors[i]);
  }
  const MailboxTensor& output = job.tensors[job.inputs];
  const MailboxTensor& packed = job.tensors[job.inputs + 1];
  FillGuards(output);
  Poison(output);
  SetArguments(job);
  int error = 0;
  if (job.prepare != 0) {
    FillGuards(packed);
    Poison(packed);
    error = Call(job.prepare, shared.prepare);
    sums[job.inputs] = Checksum(packed);
  }
  const auto nothing = reinterpret_cast<uint32_t>(&Nothing);
  int ignored;
  TimedCall(nothing, nullptr, &ignored);
  const uint64_t calling = TimedCall(nothing, nullptr, &ignored);
  for (uint32_t i = 0; error == 0 && i <= job.runs; ++i) {
    const uint64_t ticks = TimedCall(job.kernel, shared.kernel, &error);
    const uint64_t net = ticks > calling ? ticks - calling : 0;
    job.ticks[i][0] = static_cast<uint32_t>(net);
    job.ticks[i][1] = static_cast<uint32_t>(net >> 32);
  }
  job.kernel_error = error;
  bool intact = job.prepare == 0 || sums[job.inputs] == Checksum(packed);
  for (uint32_t i = 0; i < job.inputs; ++i) intact &= sums[i] == Checksum(job.tensors[i]);
  job.inputs_intact = intact ? 1 : 0;
}

}  // namespace

void RunJob() {
  Mailbox& job = halyard_mailbox;
  if (job.version != kMailboxVersion) {
    job.state = kMailboxRefused;
    halyard_stop();
  }
  ProtectMemory(job);
  job.clock_used = StartClock(job.dwt_clock != 0);
  Run(job);
  job.state = kMailboxRan;
  halyard_stop();
}

}  // namespace halyard
