/* TCG plugin of qemu-system-arm: what a kernel costs on a Cortex-M core. Firmware executes a marker
 * before and after the kernel; at each second one a line is added to the report:
 *
 *   <cycles in 1/65536> <class>=<executed> ...
 *
 * Arguments: out=PATH, issue_width=N, per_register=N, and port/<port>/<class>=CYCLES for every
 * class that a kernel uses; what an instruction of another class costs is one issue slot. Costs of
 * a basic block: targets/firmware_target.h. One core, so nothing is shared. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/virtual_board/decode_thumb.h"
#include "targets/virtual_board/qemu_plugin_api.h"
#include "targets/virtual_board/thumb_markers.h"

PLUGIN_EXPORT int qemu_plugin_version = 1;

enum { MOST_PORTS = 8, UNITS_PER_CYCLE = 65536 };

static char* report_path;
static double issue_width, per_register;
static char* port_names[MOST_PORTS];
static int ports;
static double cost[MOST_PORTS][THUMB_CLASSES];

static uint64_t units, executed[THUMB_CLASSES];
static uint64_t units_before, executed_before[THUMB_CLASSES];

static void on_marker(unsigned int core, void* which) {
  (void)core;
  if ((uintptr_t)which == THUMB_MARKER_BEGIN) {
    units_before = units;
    memcpy(executed_before, executed, sizeof executed);
    return;
  }
  FILE* const f = fopen(report_path, "a");
  if (f == NULL) return;
  fprintf(f, "%llu", (unsigned long long)(units - units_before));
  for (int c = 0; c < THUMB_CLASSES; c++) {
    const uint64_t count = executed[c] - executed_before[c];
    if (count != 0) fprintf(f, " %s=%llu", thumb_class_names[c], (unsigned long long)count);
  }
  fputc('\n', f);
  fclose(f);
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb* tb) {
  (void)id;
  double busy[MOST_PORTS] = {0};
  uint64_t classes[THUMB_CLASSES] = {0};
  const size_t n = qemu_plugin_tb_n_insns(tb);
  for (size_t i = 0; i < n; i++) {
    struct qemu_plugin_insn* const insn = qemu_plugin_tb_get_insn(tb, i);
    uint16_t halves[2] = {0, 0};
    memcpy(halves, qemu_plugin_insn_data(insn), 2);
    if (thumb_is_wide(halves[0])) memcpy(halves, qemu_plugin_insn_data(insn), 4);
    if (halves[0] == THUMB_MARKER_FIRST &&
        (halves[1] == THUMB_MARKER_BEGIN || halves[1] == THUMB_MARKER_END)) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
                                             (void*)(uintptr_t)halves[1]);
    }
    const struct thumb_instruction d = decode_thumb(halves[0], halves[1]);
    classes[d.class_]++;
    for (int p = 0; p < ports; p++) {
      if (cost[p][d.class_] > 0) busy[p] += cost[p][d.class_] + (d.registers - 1) * per_register;
    }
  }
  double cycles = (double)n / issue_width;
  for (int p = 0; p < ports; p++) cycles = busy[p] > cycles ? busy[p] : cycles;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &units,
                                           (uint64_t)(cycles * UNITS_PER_CYCLE + 0.5));
  for (int c = 0; c < THUMB_CLASSES; c++) {
    if (classes[c] == 0) continue;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &executed[c],
                                             classes[c]);
  }
}

/* The number of a port, or -1 where there are too many. */
static int port_of(const char* name) {
  for (int p = 0; p < ports; p++) {
    if (strcmp(port_names[p], name) == 0) return p;
  }
  if (ports == MOST_PORTS) return -1;
  port_names[ports] = strdup(name);
  return ports++;
}

static bool set_cost(char* name, double cycles) {
  char* const port = strchr(name, '/');
  char* const class = port == NULL ? NULL : strchr(port + 1, '/');
  if (class == NULL) return false;
  *class = '\0';
  const int p = port_of(port + 1);
  for (int c = 0; p >= 0 && c < THUMB_CLASSES; c++) {
    if (strcmp(class + 1, thumb_class_names[c]) != 0) continue;
    cost[p][c] = cycles;
    return true;
  }
  return false;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                      char** argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    char* const equals = strchr(argv[i], '=');
    if (equals == NULL) return -1;
    *equals = '\0';
    const double value = atof(equals + 1);
    bool good = value > 0;
    if (strcmp(argv[i], "out") == 0) {
      report_path = strdup(equals + 1);
      good = true;
    } else if (strcmp(argv[i], "issue_width") == 0) {
      issue_width = value;
    } else if (strcmp(argv[i], "per_register") == 0) {
      per_register = value;
    } else {
      good = good && set_cost(argv[i], value);
    }
    if (good) continue;
    fprintf(stderr, "count_thumb_plugin: bad argument %s=%s\n", argv[i], equals + 1);
    return -1;
  }
  if (report_path == NULL || !(issue_width > 0)) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
  return 0;
}
