/* Classes of Thumb instructions, as a Cortex-M core's table of timings tells them apart. */
#ifndef HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_THUMB_H_
#define HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_THUMB_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum thumb_class {
  THUMB_INT,
  THUMB_MUL,
  THUMB_DIV,
  THUMB_LOAD,
  THUMB_STORE,
  THUMB_BRANCH,
  THUMB_LOOP, /* the low-overhead loops of Armv8.1-M */
  THUMB_FP,   /* additions, products, comparisons, conversions */
  THUMB_FP_FMA,
  THUMB_FP_DIV, /* divisions and square roots */
  THUMB_FP_LOAD,
  THUMB_FP_STORE,
  THUMB_FP_MOVE, /* between the FPU and the core */
  THUMB_MVE,
  THUMB_MVE_LOAD,
  THUMB_MVE_STORE,
  THUMB_OTHER,
  THUMB_CLASSES
};

extern const char* const thumb_class_names[THUMB_CLASSES];

struct thumb_instruction {
  enum thumb_class class_;
  int registers; /* loaded or stored: 1, or more of LDM, VLDM, LDRD and the like */
};

/* `first` and, of a 32-bit instruction, `second` halfword. Architecture: Armv8-M ARM, C2.2 to C2.4.
 */
struct thumb_instruction decode_thumb(uint16_t first, uint16_t second);
int thumb_is_wide(uint16_t first);

#ifdef __cplusplus
}
#endif

#endif /* HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_THUMB_H_ */
