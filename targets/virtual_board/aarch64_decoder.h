// What the two files of the AArch64 decoder share.
#pragma once

#include <cstdint>

#include "targets/virtual_board/instruction.h"

namespace halyard {

// Fields of one word, and the instruction that is made of it.
class Aarch64Decoder {
 public:
  explicit Aarch64Decoder(uint32_t word) : w_(word) {}
  Instruction Run();

 private:
  using Class = InstructionClass;
  uint32_t Bits(unsigned high, unsigned low) const {
    return (w_ >> low) & ((2u << (high - low)) - 1);
  }
  bool Bit(unsigned at) const { return ((w_ >> at) & 1) != 0; }
  Instruction Of(Class c, unsigned slots = 1) {
    i_.class_ = c;
    i_.slots = static_cast<uint8_t>(slots);
    return i_;
  }
  static uint8_t V(uint32_t r) { return static_cast<uint8_t>(kVectorRegister + r); }
  void ReadsX(uint32_t r) {
    if (r != 31) i_.Reads(static_cast<uint8_t>(r));
  }
  void WritesX(uint32_t r) {
    if (r != 31) i_.Writes(static_cast<uint8_t>(r));
  }
  void Accumulates(uint8_t r) {
    i_.Reads(r);
    i_.accumulator = r;
  }
  uint32_t rd() const { return Bits(4, 0); }
  uint32_t rn() const { return Bits(9, 5); }
  uint32_t ra() const { return Bits(14, 10); }
  uint32_t rm() const { return Bits(20, 16); }

  Instruction LoadStore();
  Instruction Structures();
  Instruction Moves(bool load, bool vector, unsigned registers, Class load_class, bool full);
  Instruction Immediate();
  Instruction Register();
  Instruction Branch();
  Instruction ScalarFp();
  Instruction ScalarFpOneSource();
  Instruction ScalarFpConversion();
  Instruction Vector();
  Instruction ThreeSame();
  Instruction ThreeDifferent();
  Instruction TwoMiscellaneous();
  Instruction Copy();
  Instruction ByElement();
  Instruction ShiftOrImmediate();

  uint32_t w_;
  Instruction i_;
};

}  // namespace halyard
