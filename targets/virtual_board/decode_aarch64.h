/* Classes of AArch64 instructions, as the issue model of a virtual board tells them apart. */
#ifndef HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_AARCH64_H_
#define HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_AARCH64_H_

#include <stdint.h>

enum InstructionClass {
  kSimdFma,  /* 128-bit vector FP multiply-accumulate */
  kSimd,     /* other 128-bit vector arithmetic, moves and permutes */
  kSimdD,    /* 64-bit vector arithmetic, multiply-accumulate included */
  kSimdDiv,  /* vector FP division and square root */
  kFpScalar, /* scalar FP */
  kFpDiv,    /* scalar FP division and square root */
  kLoad,     /* into general registers */
  kSimdLoad, /* into SIMD and FP registers */
  kStore,
  kSimdStore, /* of 128-bit SIMD registers; narrower ones count as kStore */
  kInt,
  kMul,
  kDiv,
  kBranch,
  kOther, /* system instructions, hints, barriers */
  kInstructionClasses
};

struct DecodedInstruction {
  enum InstructionClass class_;
  unsigned slots; /* of its class's port: 2 for a pair of Q registers, n for LD1 of n registers */
};

/* Encoding groups after the Arm Architecture Reference Manual for A-profile (DDI 0487), C4.1. */
struct DecodedInstruction DecodeAarch64(uint32_t instruction);

/* Name in device files and reports: "simd_fma". */
const char* InstructionClassName(enum InstructionClass class_);

#endif /* HALYARD_TARGETS_VIRTUAL_BOARD_DECODE_AARCH64_H_ */
