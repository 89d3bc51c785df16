// Marker instructions between the board runner and the counting plugin, which a core and an
// emulator execute as NOP: immediates of AArch64 HINT that the architecture leaves unallocated (Arm
// ARM, C6.2 "HINT"); on x86-64 the long NOP 0F 1F /0 of seven bytes, whose displacement's lowest
// byte is the marker and the others HALYARD_X86_MARKER_PATTERN (Intel SDM, volume 2B, "NOP").
#ifndef HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_
#define HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_

#define HALYARD_MARKER_KERNEL_BEGIN 0x50
#define HALYARD_MARKER_KERNEL_END 0x51
#define HALYARD_MARKER_PARALLEL_BEGIN 0x52
#define HALYARD_MARKER_TASK_END 0x53
#define HALYARD_MARKER_PARALLEL_END 0x54
// The tasks that follow are of the next core.
#define HALYARD_MARKER_NEXT_CORE 0x55
// Between these the runner reads what is to lie in the caches when the kernel begins.
#define HALYARD_MARKER_WARM_BEGIN 0x56
#define HALYARD_MARKER_WARM_END 0x57
#define HALYARD_MARKER_LAST HALYARD_MARKER_WARM_END

#define HALYARD_X86_MARKER_PATTERN 0x48414c00

#endif  // HALYARD_TARGETS_VIRTUAL_BOARD_MARKERS_H_
