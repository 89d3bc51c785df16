#include "targets/virtual_board/decode_thumb.h"

const char* const thumb_class_names[THUMB_CLASSES] = {
    "int",    "mul",     "div",      "load",    "store", "branch",   "loop",      "fp",   "fp_fma",
    "fp_div", "fp_load", "fp_store", "fp_move", "mve",   "mve_load", "mve_store", "other"};

int thumb_is_wide(uint16_t first) { return (first & 0xe000) == 0xe000 && (first & 0x1800) != 0; }

static struct thumb_instruction one(enum thumb_class class_) {
  return (struct thumb_instruction){class_, 1};
}

static struct thumb_instruction several(enum thumb_class class_, int registers) {
  return (struct thumb_instruction){class_, registers < 1 ? 1 : registers};
}

static enum thumb_class access(int loads) { return loads ? THUMB_LOAD : THUMB_STORE; }

static struct thumb_instruction decode_narrow(uint16_t w) {
  if ((w & 0xf800) == 0x4800) return one(THUMB_LOAD); /* from the literal pool */
  if ((w & 0xf000) == 0x5000) return one(access((w & 0x0e00) >= 0x0600));
  if ((w & 0xe000) == 0x6000 || (w & 0xf000) == 0x8000) return one(access(w & 0x0800));
  if ((w & 0xf000) == 0x9000) return one(access(w & 0x0800)); /* relative to SP */
  if ((w & 0xf000) == 0xc000) {
    return several(access(w & 0x0800), __builtin_popcount(w & 0xff));
  }
  if ((w & 0xf600) == 0xb400) { /* PUSH, POP */
    return several(access(w & 0x0800), __builtin_popcount(w & 0x1ff));
  }
  if ((w & 0xf000) == 0xd000) return one((w & 0x0e00) == 0x0e00 ? THUMB_OTHER : THUMB_BRANCH);
  if ((w & 0xf800) == 0xe000 || (w & 0xf500) == 0xb100) return one(THUMB_BRANCH); /* B, CBZ */
  if ((w & 0xff00) == 0x4700) return one(THUMB_BRANCH);                           /* BX, BLX */
  if ((w & 0xffc0) == 0x4340) return one(THUMB_MUL);
  if ((w & 0xff00) == 0xbe00) return one(THUMB_OTHER); /* BKPT */
  return one(THUMB_INT);
}

/* The FPU's own, coprocessors 10 and 11. */
static struct thumb_instruction decode_fp(uint16_t first, uint16_t second) {
  const int is_double = second & 0x0100;
  if ((first & 0xfe00) == 0xec00) {
    if ((first & 0xffe0) == 0xec40) return one(THUMB_FP_MOVE); /* two core registers */
    const enum thumb_class class_ = first & 0x0010 ? THUMB_FP_LOAD : THUMB_FP_STORE;
    if ((first & 0x0120) == 0x0100) return one(class_); /* VLDR, VSTR */
    return several(class_, (second & 0xff) / (is_double ? 2 : 1));
  }
  if ((first & 0xff00) == 0xfe00) return one(THUMB_FP); /* VSEL, VMAXNM, VRINT, VCVTA */
  if (second & 0x0010) return one(THUMB_FP_MOVE);       /* VMOV, VMRS */
  switch (first & 0x00b0) {
    case 0x0000: /* VMLA */
    case 0x0010: /* VNMLA */
    case 0x0090: /* VFNMA */
    case 0x00a0: /* VFMA */
      return one(THUMB_FP_FMA);
    case 0x0080:
      return one(THUMB_FP_DIV);
    case 0x00b0: /* VSQRT among conversions and the like */
      return one((first & 0x000f) == 0x0001 && (second & 0x00c0) == 0x00c0 ? THUMB_FP_DIV
                                                                           : THUMB_FP);
  }
  return one(THUMB_FP);
}

static struct thumb_instruction decode_coprocessor(uint16_t first, uint16_t second) {
  if ((first & 0xfe00) == 0xec00 && (second & 0x1e00) == 0x1e00) {
    return one(first & 0x0010 ? THUMB_MVE_LOAD : THUMB_MVE_STORE);
  }
  if ((first & 0xefa0) == 0xec80 && (second & 0x1e00) == 0x0e00) { /* a lane at a time */
    return several(first & 0x0010 ? THUMB_MVE_LOAD : THUMB_MVE_STORE, 4);
  }
  if ((second & 0x0e00) == 0x0a00 && (first & 0xef00) != 0xef00) return decode_fp(first, second);
  return one(THUMB_MVE);
}

static struct thumb_instruction decode_wide(uint16_t first, uint16_t second) {
  switch (first & 0xf800) {
    case 0xe800:
      if ((first & 0xfe40) == 0xe800) {
        return several(access(first & 0x0010), __builtin_popcount(second));
      }
      if ((first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000) return one(THUMB_BRANCH);
      if ((first & 0xfe40) == 0xe840) return several(access(first & 0x0010), 2); /* LDRD */
      if ((first & 0xfe00) == 0xea00) return one(THUMB_INT);
      return decode_coprocessor(first, second);
    case 0xf000:
      if ((second & 0x8000) == 0) return one(THUMB_INT);
      if ((second & 0xd001) == 0xc001) return one(THUMB_LOOP);
      if ((second & 0x5000) == 0 && (first & 0x0380) == 0x0380) return one(THUMB_OTHER);
      return one(THUMB_BRANCH);
  }
  if ((first & 0xfc00) == 0xfc00) return decode_coprocessor(first, second);
  if ((first & 0xfe00) == 0xf800) return one(access(first & 0x0010));
  if ((first & 0xff90) == 0xfb90 && (second & 0x00f0) == 0x00f0) return one(THUMB_DIV);
  if ((first & 0xff00) == 0xfb00) return one(THUMB_MUL);
  return one(THUMB_INT);
}

struct thumb_instruction decode_thumb(uint16_t first, uint16_t second) {
  return thumb_is_wide(first) ? decode_wide(first, second) : decode_narrow(first);
}
