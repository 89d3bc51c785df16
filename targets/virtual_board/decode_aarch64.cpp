#include "targets/virtual_board/decode_aarch64.h"

#include <cstring>

namespace halyard {
namespace {

using Class = InstructionClass;

// Fields of one word, and the instruction that is made of it.
class Decoder {
 public:
  explicit Decoder(uint32_t word) : w_(word) {}
  Instruction Run();

 private:
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

// The registers that a load fills or a store reads, from bits 4:0 up (14:10 is a pair's second).
Instruction Decoder::Moves(bool load, bool vector, unsigned registers, Class load_class,
                           bool full) {
  const bool pair = Bits(29, 27) == 5;
  for (unsigned k = 0; k < registers; ++k) {
    const uint32_t r = pair && k == 1 ? ra() : (rd() + k) % 32;
    if (vector) {
      load ? i_.Writes(V(r)) : i_.Reads(V(r));
    } else {
      load ? WritesX(r) : ReadsX(r);
    }
  }
  const unsigned slots = vector && full ? registers : 1;
  if (load) return Of(load_class, slots);
  return Of(vector && full ? Class::kSimdStore : Class::kStore, slots);
}

// Advanced SIMD structures, 0q00110x.
Instruction Decoder::Structures() {
  const bool load = Bit(22);
  if (rn() != 31) ReadsX(rn());
  if (Bit(23)) {  // post-index
    if (rn() != 31) i_.written_back = static_cast<uint8_t>(rn());
    ReadsX(rm());
  }
  if (Bit(24)) {  // single structure: LD1 of a lane, LD1R; bits 13 and 21 tell how many registers
    const unsigned registers = 1 + (Bit(13) ? 2 : 0) + (Bit(21) ? 1 : 0);
    const bool replicates = Bits(15, 14) == 3;
    for (unsigned k = 0; load && !replicates && k < registers; ++k) i_.Reads(V((rd() + k) % 32));
    return Moves(load, true, registers, Class::kSimdLoadLane, load);
  }
  unsigned registers = 1;
  switch (Bits(15, 12)) {
    case 0x0:  // LD4, ST4
    case 0x2:  // LD1, ST1 of four
      registers = 4;
      break;
    case 0x4:
    case 0x6:
      registers = 3;
      break;
    case 0x8:
    case 0xa:
      registers = 2;
      break;
  }
  const bool interleaves = registers > 1 && (Bits(15, 12) & 3) == 0;
  return Moves(load, true, registers, interleaves ? Class::kSimdLoadLane : Class::kSimdLoad,
               load || Bit(30));
}

Instruction Decoder::LoadStore() {
  const bool vector = Bit(26);
  if (!Bit(31) && Bits(29, 25) == 0x06) return Structures();
  // Load literal, xx011x00.
  if (Bits(29, 27) == 3 && Bits(25, 24) == 0) {
    return Moves(true, vector, 1, vector ? Class::kSimdLoad : Class::kLoad, true);
  }
  ReadsX(rn());
  // Pairs, xx101x0x; opc 10 is a pair of Q registers; 01 and 11 in bits 24:23 write back.
  if (Bits(29, 27) == 5 && !Bit(25)) {
    if (Bit(23) && rn() != 31) i_.written_back = static_cast<uint8_t>(rn());
    const bool quad = vector && Bits(31, 30) == 2;
    return Moves(Bit(22), vector, 2, vector ? Class::kSimdLoad : Class::kLoad, quad);
  }
  // One register, xx111xxx; opc, bits 23:22, zero is a store, and for vectors opc 1x with size 00
  // the 128-bit form.
  if (Bits(29, 27) == 7) {
    const uint32_t opc = Bits(23, 22);
    const bool indexed = !Bit(24) && !Bit(21) && Bit(10);
    if (indexed && rn() != 31) i_.written_back = static_cast<uint8_t>(rn());
    if (!Bit(24) && Bit(21)) ReadsX(rm());  // register offset, or an atomic's operand
    if (vector) {
      return Moves((opc & 1) != 0, true, 1, Class::kSimdLoad, opc >= 2 || (opc & 1) != 0);
    }
    if (Bits(31, 30) == 3 && opc == 2) return Of(Class::kLoad);  // PRFM has no result
    return Moves(opc != 0, false, 1, Class::kLoad, false);
  }
  // Exclusives, acquire and release: bit 22 is L.
  return Moves(Bit(22), false, 1, Class::kLoad, false);
}

Instruction Decoder::Immediate() {
  const uint32_t group = Bits(28, 23);
  WritesX(rd());
  if (Bits(28, 24) == 0x10) return Of(Class::kInt);  // ADR, ADRP
  if (Bits(28, 24) == 0x11) {                        // ADD, SUB
    ReadsX(rn());
    if (Bit(29)) i_.Writes(kFlagsRegister);
    return Of(Class::kInt);
  }
  if (group == 0x25) {  // MOVZ, MOVN; MOVK changes a part
    if (Bits(30, 29) == 3) ReadsX(rd());
    return Of(Class::kInt);
  }
  ReadsX(rn());
  if (group == 0x24 && Bits(30, 29) == 3) i_.Writes(kFlagsRegister);  // ANDS
  if (group == 0x26 && Bits(30, 29) == 1) {                           // BFM
    ReadsX(rd());
    return Of(Class::kIntShift);
  }
  if (group == 0x27) {  // EXTR
    ReadsX(rm());
    return Of(rn() == rm() ? Class::kInt : Class::kIntShift);
  }
  return Of(Class::kInt);
}

Instruction Decoder::Register() {
  const uint32_t group = Bits(28, 24);
  WritesX(rd());
  ReadsX(rn());
  if (group == 0x1b) {  // three sources: multiplications
    ReadsX(rm());
    if (ra() != 31) Accumulates(static_cast<uint8_t>(ra()));
    return Of(Class::kMul);
  }
  if (group == 0x0a || group == 0x0b) {  // logical; ADD, SUB
    ReadsX(rm());
    if (group == 0x0a ? Bits(30, 29) == 3 : Bit(29)) i_.Writes(kFlagsRegister);
    const bool extended = group == 0x0b && Bit(21);
    const uint32_t amount = extended ? Bits(12, 10) : Bits(15, 10);
    const bool left = extended ? Bits(14, 13) == 3 : Bits(23, 22) == 0;
    if (amount == 0 && (!extended || left)) return Of(Class::kInt);
    return Of(left && amount <= 4 ? Class::kIntLsl : Class::kIntShift);
  }
  switch (Bits(28, 21)) {
    case 0xd0:  // ADC, SBC
      ReadsX(rm());
      i_.Reads(kFlagsRegister);
      if (Bit(29)) i_.Writes(kFlagsRegister);
      return Of(Class::kInt);
    case 0xd2:  // CCMP, CCMN: bits 4:0 are flags
      i_.n_results = 0;
      if (!Bit(11)) ReadsX(rm());
      i_.Reads(kFlagsRegister);
      i_.Writes(kFlagsRegister);
      return Of(Class::kInt);
    case 0xd4:  // CSEL and kin
      ReadsX(rm());
      i_.Reads(kFlagsRegister);
      return Of(Class::kInt);
    case 0xd6:
      if (Bit(30)) return Of(Class::kInt);  // one source: CLZ, REV, RBIT
      ReadsX(rm());
      if (Bits(15, 11) == 1) return Of(Class::kDiv);
      return Of(Bits(15, 13) == 2 ? Class::kMul : Class::kInt);  // CRC32; shifts by register
  }
  return Of(Class::kInt);
}

Instruction Decoder::Branch() {
  // System, hints and barriers, 1101010100; SVC and its kin.
  if (Bits(31, 22) == 0x354 || Bits(31, 24) == 0xd4) return Of(Class::kOther);
  if (Bits(31, 24) == 0x54) i_.Reads(kFlagsRegister);  // B.cond
  if (Bits(30, 26) == 0x0d) ReadsX(rd());              // CBZ, CBNZ, TBZ, TBNZ
  if (Bits(30, 26) == 0x05 && Bit(31)) i_.Writes(30);  // BL
  if (Bits(31, 25) == 0x6b) {                          // BR, BLR, RET
    ReadsX(rn());
    if (Bits(24, 21) == 1) i_.Writes(30);
  }
  return Of(Class::kBranch);
}

// Bits 15:10 are 000000: between FP and general registers.
Instruction Decoder::ScalarFpConversion() {
  const uint32_t opcode = Bits(18, 16);
  const bool to_vector = opcode == 2 || opcode == 3 || opcode == 7;
  if (to_vector) {
    ReadsX(rn());
    i_.Writes(V(rd()));
    return Of(Class::kToVector);
  }
  i_.Reads(V(rn()));
  WritesX(rd());
  return Of(Class::kFromVector);
}

Instruction Decoder::ScalarFpOneSource() {
  const uint32_t opcode = Bits(20, 15);
  i_.Reads(V(rn()));
  i_.Writes(V(rd()));
  if (opcode <= 2) return Of(Class::kSimdInt);  // FMOV, FABS, FNEG
  return Of(opcode == 3 ? Class::kSimdDiv : Class::kSimdConvert);
}

Instruction Decoder::ScalarFp() {
  if (Bit(24)) {  // FMADD and kin
    i_.Reads(V(rn()));
    i_.Reads(V(rm()));
    Accumulates(V(ra()));
    i_.Writes(V(rd()));
    return Of(Class::kSimdFma);
  }
  if (!Bit(21) || Bits(15, 10) == 0) return ScalarFpConversion();
  if (Bits(11, 10) == 0) {
    if (Bit(12)) {  // FMOV of an immediate
      i_.Writes(V(rd()));
      return Of(Class::kSimdInt);
    }
    if (Bits(14, 10) == 0x10) return ScalarFpOneSource();
    i_.Reads(V(rn()));  // FCMP
    if (!Bit(3)) i_.Reads(V(rm()));
    i_.Writes(kFlagsRegister);
    return Of(Class::kSimdAdd);
  }
  i_.Reads(V(rn()));
  i_.Reads(V(rm()));
  if (Bits(11, 10) == 1) {  // FCCMP
    i_.Reads(kFlagsRegister);
    i_.Writes(kFlagsRegister);
    return Of(Class::kSimdAdd);
  }
  i_.Writes(V(rd()));
  if (Bits(11, 10) == 3) {  // FCSEL
    i_.Reads(kFlagsRegister);
    return Of(Class::kSimdInt);
  }
  const uint32_t opcode = Bits(15, 12);
  if (opcode == 1) return Of(Class::kSimdDiv);
  return Of(opcode == 0 || opcode == 8 ? Class::kSimdMul : Class::kSimdAdd);
}

// 0qu01110 xx1 ..... opcode 1
Instruction Decoder::ThreeSame() {
  const uint32_t opcode = Bits(15, 11);
  const bool u = Bit(29);
  i_.Reads(V(rn()));
  i_.Reads(V(rm()));
  i_.Writes(V(rd()));
  switch (opcode) {
    case 0x19:  // FMLA, FMLS
      Accumulates(V(rd()));
      return Of(Class::kSimdFma);
    case 0x1b:
      return Of(Class::kSimdMul);
    case 0x1f:
      return Of(u ? Class::kSimdDiv : Class::kSimdFma);  // FRECPS, FRSQRTS multiply and add
    case 0x1a:
    case 0x18:
    case 0x1e:  // FADDP, FMAXP and kin pair lanes, FABD (size 1x) does not
      return Of(u && !(opcode == 0x1a && Bit(23)) ? Class::kSimdReduce : Class::kSimdAdd);
    case 0x1c:
    case 0x1d:
      return Of(Class::kSimdAdd);
    case 0x12:  // MLA, MLS
      Accumulates(V(rd()));
      return Of(Class::kSimdIntMul);
    case 0x13:
    case 0x16:
      return Of(Class::kSimdIntMul);
    case 0x0f:  // SABA, UABA
      i_.Reads(V(rd()));
      return Of(Class::kSimdInt);
    case 0x03:
      if (u && Bits(23, 22) != 0) i_.Reads(V(rd()));  // BSL, BIT, BIF
      if (u && Bits(23, 22) == 0 && rn() == rm()) i_.ends_chain = true;
      return Of(Class::kSimdInt);
  }
  return Of(Class::kSimdInt);
}

// 0qu01110 xx1 ..... opcode 00: SMULL, SMLAL, SADDL
Instruction Decoder::ThreeDifferent() {
  const uint32_t opcode = Bits(15, 12);
  i_.Reads(V(rn()));
  i_.Reads(V(rm()));
  i_.Writes(V(rd()));
  i_.quad = false;
  if (opcode >= 0x8 && opcode <= 0xb) Accumulates(V(rd()));
  if (opcode == 0x5) i_.Reads(V(rd()));
  return Of(opcode >= 0x8 ? Class::kSimdIntMul : Class::kSimdInt);
}

// 0qu01110 xx10000 opcode 10, and xx11000: across lanes
Instruction Decoder::TwoMiscellaneous() {
  const uint32_t opcode = Bits(16, 12);
  const bool u = Bit(29), high = Bit(23);
  i_.Reads(V(rn()));
  i_.Writes(V(rd()));
  if (Bits(21, 17) == 0x18) {
    // Of a pair only (the scalar form) it is one operation on two lanes.
    return Of(Bit(28) ? Class::kSimdAdd : Class::kSimdReduce);
  }
  if (opcode == 0x1f && u && high) return Of(Class::kSimdDiv);  // FSQRT
  if (high && (opcode >= 0x0c && opcode <= 0x0e)) return Of(Class::kSimdAdd);
  if (opcode >= 0x16) return Of(Class::kSimdConvert);
  if (opcode == 0x12 || opcode == 0x14) {  // XTN, SQXTN and their second halves
    if (Bit(30)) i_.Reads(V(rd()));
  }
  return Of(Class::kSimdInt);
}

// 0q?01110000 imm5 0 imm4 1: DUP, INS, UMOV
Instruction Decoder::Copy() {
  const uint32_t imm4 = Bits(14, 11);
  if (Bit(29)) {  // INS of an element
    i_.Reads(V(rn()));
    i_.Reads(V(rd()));
    i_.Writes(V(rd()));
    return Of(Class::kSimdPermute);
  }
  if (imm4 == 0) {
    i_.Reads(V(rn()));
    i_.Writes(V(rd()));
    return Of(Class::kSimdPermute);
  }
  if (imm4 == 1 || imm4 == 3) {
    ReadsX(rn());
    if (imm4 == 3) i_.Reads(V(rd()));
    i_.Writes(V(rd()));
    return Of(Class::kToVector);
  }
  i_.Reads(V(rn()));
  WritesX(rd());
  return Of(Class::kFromVector);
}

// 0qu01111 ... opcode ..0
Instruction Decoder::ByElement() {
  const uint32_t opcode = Bits(15, 12);
  const bool half = Bits(23, 22) == 1 || Bits(23, 22) == 0;
  i_.Reads(V(rn()));
  i_.Reads(V(half ? Bits(19, 16) : rm()));
  i_.Writes(V(rd()));
  const bool u = Bit(29);
  if (!u && (opcode == 1 || opcode == 5)) {  // FMLA, FMLS
    Accumulates(V(rd()));
    return Of(Class::kSimdFma);
  }
  if (opcode == 9) return Of(Class::kSimdMul);
  const bool accumulates = (u && (opcode == 0 || opcode == 4)) || opcode == 2 || opcode == 6 ||
                           opcode == 3 || opcode == 7 || opcode == 0xe;
  if (accumulates) Accumulates(V(rd()));
  return Of(Class::kSimdIntMul);
}

// 0qu011110 ..., bit 10 set: immediates where immh is zero, shifts else
Instruction Decoder::ShiftOrImmediate() {
  i_.Writes(V(rd()));
  if (Bits(22, 19) == 0) {
    const uint32_t cmode = Bits(15, 12);
    if (cmode < 0xc && (cmode & 1) != 0) i_.Reads(V(rd()));  // ORR, BIC
    return Of(Class::kSimdInt);
  }
  const uint32_t opcode = Bits(15, 11);
  i_.Reads(V(rn()));
  const bool inserts =
      opcode == 0x02 || opcode == 0x06 || (Bit(29) && (opcode == 8 || opcode == 10));
  if (inserts) i_.Reads(V(rd()));
  return Of(opcode >= 0x1c ? Class::kSimdConvert : Class::kSimdInt);
}

Instruction Decoder::Vector() {
  i_.quad = Bit(30) && !Bit(28);
  if (Bit(24)) return Bit(10) ? ShiftOrImmediate() : ByElement();
  if (Bit(21)) {
    if (Bit(10)) return ThreeSame();
    if (Bit(11)) return TwoMiscellaneous();
    return ThreeDifferent();
  }
  if (Bit(10)) {
    if (!Bit(15) && Bits(23, 22) == 0) return Copy();
    i_.Reads(V(rn()));  // SDOT and kin; FCMLA
    i_.Reads(V(rm()));
    i_.Writes(V(rd()));
    if (Bit(15)) Accumulates(V(rd()));
    return Of(Class::kSimdIntMul);
  }
  // TBL, TBX; ZIP, UZP, TRN; EXT.
  const bool table = !Bit(29) && Bits(11, 10) == 0;
  const unsigned registers = table ? 1 + Bits(14, 13) : 1;
  for (unsigned k = 0; k < registers; ++k) i_.Reads(V((rn() + k) % 32));
  i_.Reads(V(rm()));
  if (table && Bit(12)) i_.Reads(V(rd()));
  i_.Writes(V(rd()));
  return Of(Class::kSimdPermute, registers);
}

Instruction Decoder::Run() {
  switch (Bits(28, 25)) {  // op0 of the top-level table
    case 0x8:
    case 0x9:
      return Immediate();
    case 0xa:
    case 0xb:
      return Branch();
    case 0x4:
    case 0x6:
    case 0xc:
    case 0xe:
      return LoadStore();
    case 0x5:
    case 0xd:
      return Register();
    case 0xf:
      // Scalar FP; with bits 31:30 01, the vector groups on one lane.
      if (Bits(31, 30) != 1) return ScalarFp();
      return Vector();
    case 0x7:
      return Vector();
    default:
      return Of(Class::kOther);
  }
}

}  // namespace

Instruction DecodeAarch64(uint32_t word) { return Decoder(word).Run(); }

std::vector<Instruction> DecodeAarch64(const std::vector<uint8_t>& bytes) {
  std::vector<Instruction> block;
  block.reserve(bytes.size() / sizeof(uint32_t));
  for (size_t at = 0; at + sizeof(uint32_t) <= bytes.size(); at += sizeof(uint32_t)) {
    uint32_t word;
    std::memcpy(&word, &bytes[at], sizeof(word));
    block.push_back(DecodeAarch64(word));
  }
  return block;
}

}  // namespace halyard
