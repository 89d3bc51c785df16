// Marker instructions between the board runner and the counting plugin: immediates of AArch64 HINT
// that the architecture leaves unallocated, so a core and an emulator execute them as NOP
// (Arm ARM, C6.2 "HINT"). Included by the runner (C++) and the plugin (C).
#ifndef HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_
#define HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_

#define HALYARD_MARKER_KERNEL_BEGIN 0x50
#define HALYARD_MARKER_KERNEL_END 0x51
#define HALYARD_MARKER_PARALLEL_BEGIN 0x52
#define HALYARD_MARKER_TASK_END 0x53
#define HALYARD_MARKER_PARALLEL_END 0x54

#endif  // HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_
