#include "targets/virtual_board/decode_aarch64.h"

#include <cstring>

#include "targets/virtual_board/aarch64_decoder.h"

namespace halyard {

// The registers that a load fills or a store reads, from bits 4:0 up (14:10 is a pair's second).
Instruction Aarch64Decoder::Moves(bool load, bool vector, unsigned registers, Class load_class,
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
Instruction Aarch64Decoder::Structures() {
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

Instruction Aarch64Decoder::LoadStore() {
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

Instruction Aarch64Decoder::Immediate() {
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

Instruction Aarch64Decoder::Register() {
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

Instruction Aarch64Decoder::Branch() {
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

Instruction Aarch64Decoder::Run() {
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

Instruction DecodeAarch64(uint32_t word) { return Aarch64Decoder(word).Run(); }

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
