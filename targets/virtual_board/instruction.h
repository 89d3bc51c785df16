// What the cycle model knows of one instruction, of whatever architecture: its class, and the
// registers through which it waits for others.
#pragma once

#include <cstdint>

namespace halyard {

enum class InstructionClass : uint8_t {
  kSimdFma,       // FP multiply-accumulate, scalar ones included, as in all FP classes below
  kSimdMul,       // FP multiplication
  kSimdAdd,       // FP addition, comparison, minimum and maximum
  kSimdInt,       // integer and logical vector operations, immediates, sign changes
  kSimdIntMul,    // integer vector multiplications and dot products
  kSimdPermute,   // lanes moved about
  kSimdConvert,   // between formats, rounding
  kSimdReduce,    // across lanes
  kSimdDiv,       // FP division and square root
  kToVector,      // general register to vector register
  kFromVector,    // and back
  kLoad,          // into general registers
  kSimdLoad,      // into vector registers
  kSimdLoadLane,  // into some lanes, or to all lanes by way of a vector pipe
  kStore,
  kSimdStore,  // of a full-width vector register; narrower ones count as kStore
  kInt,
  kIntLsl,    // with an operand shifted left by 1 to 4
  kIntShift,  // with an operand shifted or extended otherwise
  kMul,
  kDiv,
  kBranch,
  kOther,  // system instructions, hints, barriers
};
inline constexpr int kInstructionClasses = static_cast<int>(InstructionClass::kOther) + 1;

// Name in core files and reports: "simd_fma".
const char* InstructionClassName(InstructionClass class_);

// Register numbers: 0 to 31 general, kVectorRegister on the vector ones, then the flags and what an
// instruction of several parts hands from one to the next.
inline constexpr uint8_t kVectorRegister = 32, kFlagsRegister = 64, kFirstTemporary = 65,
                         kRegisters = 72, kNoRegister = 255;

struct Instruction {
  InstructionClass class_ = InstructionClass::kOther;
  uint8_t slots = 1;        // uses of its pipes: 2 for a pair of full registers, n for LD1 of n
  bool quad = false;        // FP on a full-width register
  bool rides = false;       // dispatched together with the instruction before it
  bool ends_chain = false;  // a zeroing idiom: its sources are not waited for
  uint8_t n_sources = 0, n_results = 0;
  uint8_t sources[6] = {};
  uint8_t results[4] = {};
  uint8_t accumulator = kNoRegister;   // a source that is waited for last
  uint8_t written_back = kNoRegister;  // an address register, changed as by an addition

  void Reads(uint8_t r) {
    if (n_sources < sizeof(sources)) sources[n_sources++] = r;
  }
  void Writes(uint8_t r) {
    if (n_results < sizeof(results)) results[n_results++] = r;
  }
};

}  // namespace halyard
