// Scalar FP and Advanced SIMD.
#include "targets/virtual_board/aarch64_decoder.h"

namespace halyard {

// Bits 15:10 are 000000: between FP and general registers.
Instruction Aarch64Decoder::ScalarFpConversion() {
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

Instruction Aarch64Decoder::ScalarFpOneSource() {
  const uint32_t opcode = Bits(20, 15);
  i_.Reads(V(rn()));
  i_.Writes(V(rd()));
  if (opcode <= 2) return Of(Class::kSimdInt);  // FMOV, FABS, FNEG
  return Of(opcode == 3 ? Class::kSimdDiv : Class::kSimdConvert);
}

Instruction Aarch64Decoder::ScalarFp() {
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
Instruction Aarch64Decoder::ThreeSame() {
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
Instruction Aarch64Decoder::ThreeDifferent() {
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
Instruction Aarch64Decoder::TwoMiscellaneous() {
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
Instruction Aarch64Decoder::Copy() {
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
Instruction Aarch64Decoder::ByElement() {
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
Instruction Aarch64Decoder::ShiftOrImmediate() {
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

Instruction Aarch64Decoder::Vector() {
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

}  // namespace halyard
