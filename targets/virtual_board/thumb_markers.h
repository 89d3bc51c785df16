/* Markers between the firmware and the plugin that counts a Cortex-M core's cycles: hints the
 * architecture leaves unallocated, NOPs to cores (Armv7-M ARM, A7.7.88 and A5.3.4: 0xF3AF80xx). */
#ifndef HALYARD_TARGETS_VIRTUAL_BOARD_THUMB_MARKERS_H_
#define HALYARD_TARGETS_VIRTUAL_BOARD_THUMB_MARKERS_H_

#define THUMB_MARKER_FIRST 0xf3af
#define THUMB_MARKER_BEGIN 0x80c0
#define THUMB_MARKER_END 0x80c1

#endif /* HALYARD_TARGETS_VIRTUAL_BOARD_THUMB_MARKERS_H_ */
