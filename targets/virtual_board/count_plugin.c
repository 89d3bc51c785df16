/* TCG plugin of a virtual board: counts what a kernel executes between the runner's markers.
 *
 * At translation a block's cycles are computed once from the classes of its instructions; at run
 * time it costs two additions. Cycles are integers, in 1/65536 of a cycle, so that a sum is the
 * same in any order. The plugin assumes one guest thread between markers. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/virtual_board/decode_aarch64.h"
#include "targets/virtual_board/markers.h"
#include "targets/virtual_board/qemu_plugin_api.h"

PLUGIN_EXPORT int qemu_plugin_version = 1;

#define UNITS_PER_CYCLE 65536.0
/* More parallel loops than this in one kernel is a kernel nobody wants the list of. */
#define MAX_REGIONS (1u << 20)

/* The ports of the model; classes of one port share it. */
enum Port {
  kVectorPort,
  kLoadPort,
  kStorePort,
  kIntPort,
  kMulPort,
  kBranchPort,
  kOtherPort,
  kPorts
};
static const enum Port kPortOf[kInstructionClasses] = {
    [kSimdFma] = kVectorPort,  [kSimd] = kVectorPort,     [kSimdD] = kVectorPort,
    [kSimdDiv] = kVectorPort,  [kFpScalar] = kVectorPort, [kFpDiv] = kVectorPort,
    [kLoad] = kLoadPort,       [kSimdLoad] = kLoadPort,   [kStore] = kStorePort,
    [kSimdStore] = kStorePort, [kInt] = kIntPort,         [kMul] = kMulPort,
    [kDiv] = kMulPort,         [kBranch] = kBranchPort,   [kOther] = kOtherPort};

struct Block {
  struct Block* next;
  uint64_t executed;
  uint64_t executed_before; /* when the current kernel began */
  uint32_t instructions[kInstructionClasses];
};

struct Region {
  uint64_t tasks;
  uint64_t units;
};

struct KernelCount {
  uint64_t serial_units;
  struct Region* regions;
  size_t n_regions;
  uint64_t instructions[kInstructionClasses];
};

static double issue_width;
static double per_cycle[kInstructionClasses];
static char* report_path;

static struct Block* blocks;
static uint64_t units; /* cycles of everything executed so far */
static uint64_t kernel_start, region_start, region_units, region_tasks;
static bool in_kernel;
static struct KernelCount* kernels;
static size_t n_kernels;
static const char* failure;

static void* Grow(void* array, size_t bytes) {
  void* grown = realloc(array, bytes);
  if (grown == NULL) abort();
  return grown;
}

static void OnKernelBegin(void) {
  for (struct Block* b = blocks; b != NULL; b = b->next) b->executed_before = b->executed;
  kernels = Grow(kernels, (n_kernels + 1) * sizeof(*kernels));
  memset(&kernels[n_kernels], 0, sizeof(*kernels));
  in_kernel = true;
  region_units = 0;
  kernel_start = units;
}

static void OnKernelEnd(void) {
  if (!in_kernel) return;
  struct KernelCount* k = &kernels[n_kernels++];
  in_kernel = false;
  k->serial_units = units - kernel_start - region_units;
  for (struct Block* b = blocks; b != NULL; b = b->next) {
    const uint64_t times = b->executed - b->executed_before;
    for (int c = 0; times != 0 && c < kInstructionClasses; ++c) {
      k->instructions[c] += times * b->instructions[c];
    }
  }
}

static void OnParallelBegin(void) {
  region_start = units;
  region_tasks = 0;
}

static void OnParallelEnd(void) {
  if (!in_kernel) return;
  struct KernelCount* k = &kernels[n_kernels];
  if (k->n_regions == MAX_REGIONS) {
    failure = "too many parallel loops in one kernel";
    return;
  }
  if ((k->n_regions & (k->n_regions - 1)) == 0) {
    const size_t capacity = k->n_regions == 0 ? 1 : 2 * k->n_regions;
    k->regions = Grow(k->regions, capacity * sizeof(*k->regions));
  }
  const struct Region region = {region_tasks, units - region_start};
  k->regions[k->n_regions++] = region;
  region_units += region.units;
}

static void OnMarker(unsigned int vcpu, void* marker) {
  (void)vcpu;
  switch ((uintptr_t)marker) {
    case HALYARD_MARKER_KERNEL_BEGIN:
      OnKernelBegin();
      break;
    case HALYARD_MARKER_KERNEL_END:
      OnKernelEnd();
      break;
    case HALYARD_MARKER_PARALLEL_BEGIN:
      OnParallelBegin();
      break;
    case HALYARD_MARKER_TASK_END:
      ++region_tasks;
      break;
    case HALYARD_MARKER_PARALLEL_END:
      OnParallelEnd();
      break;
  }
}

static bool IsMarker(uint32_t instruction, uintptr_t* marker) {
  if ((instruction & 0xfffff01fu) != 0xd503201fu) return false; /* HINT #imm7 */
  *marker = (instruction >> 5) & 0x7f;
  return *marker >= HALYARD_MARKER_KERNEL_BEGIN && *marker <= HALYARD_MARKER_PARALLEL_END;
}

static void OnTranslate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  struct Block* block = calloc(1, sizeof(*block));
  if (block == NULL) abort();
  double ports[kPorts] = {0};
  const size_t n = qemu_plugin_tb_n_insns(tb);
  for (size_t i = 0; i < n; ++i) {
    struct qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, i);
    uint32_t word;
    memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
    const struct DecodedInstruction d = DecodeAarch64(word);
    ++block->instructions[d.class_];
    ports[kPortOf[d.class_]] += d.slots / per_cycle[d.class_];
    uintptr_t marker;
    if (IsMarker(word, &marker)) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, OnMarker, QEMU_PLUGIN_CB_NO_REGS, (void*)marker);
    }
  }
  double cycles = (double)n / issue_width;
  for (int p = 0; p < kPorts; ++p) cycles = ports[p] > cycles ? ports[p] : cycles;
  block->next = blocks;
  blocks = block;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &block->executed, 1);
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &units,
                                           (uint64_t)(cycles * UNITS_PER_CYCLE + 0.5));
}

static void WriteKernel(FILE* f, const struct KernelCount* k) {
  fprintf(f, "{\"serial\":%llu,\"regions\":[", (unsigned long long)k->serial_units);
  for (size_t r = 0; r < k->n_regions; ++r) {
    fprintf(f, "%s[%llu,%llu]", r == 0 ? "" : ",", (unsigned long long)k->regions[r].tasks,
            (unsigned long long)k->regions[r].units);
  }
  fputs("],\"instructions\":{", f);
  const char* separator = "";
  for (int c = 0; c < kInstructionClasses; ++c) {
    if (k->instructions[c] == 0) continue;
    fprintf(f, "%s\"%s\":%llu", separator, InstructionClassName(c),
            (unsigned long long)k->instructions[c]);
    separator = ",";
  }
  fputs("}}", f);
}

static void OnExit(qemu_plugin_id_t id, void* unused) {
  (void)id;
  (void)unused;
  if (failure != NULL) {
    fprintf(stderr, "count_plugin: %s\n", failure);
    return;
  }
  FILE* f = fopen(report_path, "w");
  if (f == NULL) return;
  fputs("{\"kernels\":[", f);
  for (size_t i = 0; i < n_kernels; ++i) {
    if (i != 0) fputc(',', f);
    WriteKernel(f, &kernels[i]);
  }
  fputs("]}\n", f);
  fclose(f);
}

static bool SetRate(const char* name, const char* text) {
  char* end;
  const double rate = strtod(text, &end);
  if (end == text || *end != '\0' || !(rate > 0)) return false;
  if (strcmp(name, "issue_width") == 0) {
    issue_width = rate;
    return true;
  }
  for (int c = 0; c < kInstructionClasses; ++c) {
    if (strcmp(name, InstructionClassName(c)) != 0) continue;
    per_cycle[c] = rate;
    return true;
  }
  return false;
}

/* Arguments: out=PATH, issue_width=N and <class>=N for every class. */
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                      char** argv) {
  (void)info;
  for (int i = 0; i < argc; ++i) {
    char* equals = strchr(argv[i], '=');
    if (equals == NULL) return -1;
    *equals = '\0';
    if (strcmp(argv[i], "out") == 0) {
      report_path = strdup(equals + 1);
    } else if (!SetRate(argv[i], equals + 1)) {
      fprintf(stderr, "count_plugin: bad argument %s=%s\n", argv[i], equals + 1);
      return -1;
    }
  }
  bool complete = report_path != NULL && issue_width > 0;
  for (int c = 0; c < kInstructionClasses; ++c) {
    if (per_cycle[c] > 0) continue;
    fprintf(stderr, "count_plugin: no rate for %s\n", InstructionClassName(c));
    complete = false;
  }
  if (!complete) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_atexit_cb(id, OnExit, NULL);
  return 0;
}
