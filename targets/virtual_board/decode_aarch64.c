#include "targets/virtual_board/decode_aarch64.h"

static uint32_t Bits(uint32_t word, unsigned high, unsigned low) {
  return (word >> low) & ((2u << (high - low)) - 1);
}

static struct DecodedInstruction Of(enum InstructionClass class_, unsigned slots) {
  const struct DecodedInstruction d = {class_, slots};
  return d;
}

/* Advanced SIMD load/store of whole structures: opcode, bits 15:12, gives the registers. */
static unsigned StructureRegisters(uint32_t w) {
  switch (Bits(w, 15, 12)) {
    case 0x0: /* LD4, ST4 */
    case 0x2: /* LD1, ST1 of four */
      return 4;
    case 0x4:
    case 0x6:
      return 3;
    case 0x8:
    case 0xa:
      return 2;
    default:
      return 1;
  }
}

static struct DecodedInstruction DecodeLoadStore(uint32_t w) {
  const int vector = Bits(w, 26, 26);
  /* Advanced SIMD structures: 0q00110x. */
  if (Bits(w, 31, 31) == 0 && Bits(w, 29, 25) == 0x06) {
    const int single = Bits(w, 24, 24);
    const unsigned registers = single ? 1 : StructureRegisters(w);
    if (Bits(w, 22, 22)) return Of(kSimdLoad, registers);
    return Of(Bits(w, 30, 30) && !single ? kSimdStore : kStore, registers);
  }
  /* Load literal: xx011x00. */
  if (Bits(w, 29, 27) == 3 && Bits(w, 25, 24) == 0) return Of(vector ? kSimdLoad : kLoad, 1);
  /* Pairs: xx101x0x; bit 22 tells load from store, opc 10 a pair of Q registers. */
  if (Bits(w, 29, 27) == 5 && Bits(w, 25, 25) == 0) {
    const int quad = vector && Bits(w, 31, 30) == 2;
    if (Bits(w, 22, 22)) return Of(vector ? kSimdLoad : kLoad, quad ? 2 : 1);
    return Of(quad ? kSimdStore : kStore, quad ? 2 : 1);
  }
  /* One register, all addressing modes: xx111xxx; opc, bits 23:22, zero is a store, and for
   * vectors opc 1x with size 00 the 128-bit form. */
  if (Bits(w, 29, 27) == 7) {
    const uint32_t opc = Bits(w, 23, 22);
    if (vector) {
      const int quad = opc >= 2;
      if (opc & 1) return Of(kSimdLoad, 1);
      return Of(quad ? kSimdStore : kStore, 1);
    }
    return Of(opc == 0 ? kStore : kLoad, 1);
  }
  /* Exclusives, acquire and release: bit 22 is L. */
  return Of(Bits(w, 22, 22) ? kLoad : kStore, 1);
}

/* Scalar FP: x00 or 1x011110/1x011111 groups. */
static struct DecodedInstruction DecodeScalarFp(uint32_t w) {
  if (Bits(w, 24, 24) == 0 && Bits(w, 21, 21) == 1) {
    const int two_sources = Bits(w, 11, 10) == 2;
    if (two_sources && Bits(w, 15, 12) == 1) return Of(kFpDiv, 1); /* FDIV */
    /* One source: bits 14:10 are 10000, opcode 000011 is FSQRT. */
    if (Bits(w, 14, 10) == 0x10 && Bits(w, 20, 15) == 3) return Of(kFpDiv, 1);
  }
  return Of(kFpScalar, 1);
}

static struct DecodedInstruction DecodeVector(uint32_t w) {
  const int quad = Bits(w, 30, 30);
  /* AdvSIMD three same: 0qu01110 xx1 ..... opcode 1. */
  if (Bits(w, 28, 24) == 0x0e && Bits(w, 21, 21) == 1 && Bits(w, 10, 10) == 1) {
    const uint32_t opcode = Bits(w, 15, 11);
    const int u = Bits(w, 29, 29);
    if (opcode == 0x19 && !u) return Of(quad ? kSimdFma : kSimdD, 1); /* FMLA, FMLS */
    if (opcode == 0x1f && u) return Of(kSimdDiv, quad ? 2 : 1);       /* FDIV */
  }
  /* AdvSIMD two-register miscellaneous: 0qu01110 xx10000 opcode 10. */
  if (Bits(w, 28, 24) == 0x0e && Bits(w, 21, 17) == 0x10 && Bits(w, 11, 10) == 2) {
    if (Bits(w, 16, 12) == 0x1f && Bits(w, 29, 29) && Bits(w, 23, 23)) {
      return Of(kSimdDiv, quad ? 2 : 1); /* FSQRT */
    }
  }
  /* AdvSIMD vector by indexed element: 0qu01111 ... opcode ..0; FMLA 0001, FMLS 0101. */
  if (Bits(w, 28, 24) == 0x0f && Bits(w, 10, 10) == 0 && !Bits(w, 29, 29)) {
    const uint32_t opcode = Bits(w, 15, 12);
    if (opcode == 1 || opcode == 5) return Of(quad ? kSimdFma : kSimdD, 1);
  }
  return Of(quad ? kSimd : kSimdD, 1);
}

static struct DecodedInstruction DecodeSimdFp(uint32_t w) {
  /* x0x11110 and x0x11111 are scalar FP and conversions; with bits 31:30 01, AdvSIMD scalar. */
  if (Bits(w, 28, 25) == 0xf) {
    if (Bits(w, 31, 30) == 1) return Of(kFpScalar, 1);
    return DecodeScalarFp(w);
  }
  return DecodeVector(w);
}

static struct DecodedInstruction DecodeRegister(uint32_t w) {
  /* Three sources, 1x011011: multiplications. */
  if (Bits(w, 28, 24) == 0x1b) return Of(kMul, 1);
  /* Two sources, x0x11010110: UDIV 000010, SDIV 000011. */
  if (Bits(w, 28, 21) == 0xd6 && Bits(w, 30, 30) == 0 && Bits(w, 15, 11) == 1) return Of(kDiv, 1);
  return Of(kInt, 1);
}

static struct DecodedInstruction DecodeBranch(uint32_t w) {
  /* System, hints and barriers: 1101010100. */
  if (Bits(w, 31, 22) == 0x354) return Of(kOther, 1);
  if (Bits(w, 31, 24) == 0xd4) return Of(kOther, 1); /* SVC and its kin */
  return Of(kBranch, 1);
}

struct DecodedInstruction DecodeAarch64(uint32_t w) {
  switch (Bits(w, 28, 25)) { /* op0 of the top-level table */
    case 0x8:
    case 0x9:
      return Of(kInt, 1);
    case 0xa:
    case 0xb:
      return DecodeBranch(w);
    case 0x4:
    case 0x6:
    case 0xc:
    case 0xe:
      return DecodeLoadStore(w);
    case 0x5:
    case 0xd:
      return DecodeRegister(w);
    case 0x7:
    case 0xf:
      return DecodeSimdFp(w);
    default:
      return Of(kOther, 1);
  }
}

const char* InstructionClassName(enum InstructionClass class_) {
  static const char* const names[kInstructionClasses] = {
      "simd_fma", "simd",       "simd_d", "simd_div", "fp_scalar", "fp_div", "load", "simd_load",
      "store",    "simd_store", "int",    "mul",      "div",       "branch", "other"};
  return names[class_];
}
