#include "targets/virtual_board/decode_x86.h"

#include <capstone/capstone.h>

#include <cstdlib>
#include <string_view>

namespace halyard {
namespace {

using Class = InstructionClass;

// xmm3, ymm3 -> 35; eax, al -> 0; r9d -> 9; what is no such register -> kNoRegister.
uint8_t RegisterOf(csh capstone, unsigned id) {
  const char* text = id == 0 ? nullptr : cs_reg_name(capstone, id);
  if (text == nullptr) return kNoRegister;
  const std::string_view name(text);
  if (name.starts_with("xmm") || name.starts_with("ymm")) {
    return static_cast<uint8_t>(kVectorRegister + std::atoi(text + 3));
  }
  if (name[0] == 'r' && name.size() > 1 && name[1] >= '0' && name[1] <= '9') {
    return static_cast<uint8_t>(std::atoi(text + 1));
  }
  static constexpr std::string_view kNames[] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
  static constexpr std::string_view kBytes[] = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
  for (uint8_t r = 0; r < 8; ++r) {
    if (name == kNames[r] || name == kBytes[r]) return r;
    if (name.size() == 3 && (name[0] == 'r' || name[0] == 'e') && name.substr(1) == kNames[r]) {
      return r;
    }
  }
  return kNoRegister;
}

bool IsVector(uint8_t r) { return r >= kVectorRegister && r < kFlagsRegister; }

// Mnemonics by how they begin, the first that fits; the AVX forms without their v.
struct Prefix {
  std::string_view text;
  Class class_;
};
constexpr Prefix kVectorPrefixes[] = {
    {"fmadd", Class::kSimdFma},         {"fmsub", Class::kSimdFma},
    {"fnmadd", Class::kSimdFma},        {"fnmsub", Class::kSimdFma},
    {"mulp", Class::kSimdMul},          {"muls", Class::kSimdMul},
    {"rcp", Class::kSimdMul},           {"rsqrt", Class::kSimdMul},
    {"addp", Class::kSimdAdd},          {"adds", Class::kSimdAdd},
    {"sub", Class::kSimdAdd},           {"max", Class::kSimdAdd},
    {"min", Class::kSimdAdd},           {"cmp", Class::kSimdAdd},
    {"comis", Class::kSimdAdd},         {"ucomis", Class::kSimdAdd},
    {"hadd", Class::kSimdReduce},       {"div", Class::kSimdDiv},
    {"sqrt", Class::kSimdDiv},          {"pmul", Class::kSimdIntMul},
    {"pmadd", Class::kSimdIntMul},      {"round", Class::kSimdConvert},
    {"cvt", Class::kSimdConvert},       {"shuf", Class::kSimdPermute},
    {"perm", Class::kSimdPermute},      {"unpck", Class::kSimdPermute},
    {"punpck", Class::kSimdPermute},    {"pshuf", Class::kSimdPermute},
    {"insert", Class::kSimdPermute},    {"extract", Class::kSimdPermute},
    {"broadcast", Class::kSimdPermute}, {"pbroadcast", Class::kSimdPermute},
    {"palignr", Class::kSimdPermute},   {"pack", Class::kSimdPermute},
    {"pmovsx", Class::kSimdPermute},    {"pmovzx", Class::kSimdPermute},
    {"movshdup", Class::kSimdPermute},  {"movsldup", Class::kSimdPermute},
    {"movddup", Class::kSimdPermute},   {"movhl", Class::kSimdPermute},
    {"movlh", Class::kSimdPermute},     {"zero", Class::kOther}};
constexpr Prefix kGeneralPrefixes[] = {
    {"imul", Class::kMul},      {"mul", Class::kMul},     {"idiv", Class::kDiv},
    {"div", Class::kDiv},       {"j", Class::kBranch},    {"call", Class::kBranch},
    {"ret", Class::kBranch},    {"nop", Class::kOther},   {"endbr", Class::kOther},
    {"syscall", Class::kOther}, {"cpuid", Class::kOther}, {"sh", Class::kIntShift},
    {"sar", Class::kIntShift},  {"ro", Class::kIntShift}};

template <size_t kN>
Class ClassOf(std::string_view mnemonic, const Prefix (&prefixes)[kN], Class otherwise) {
  for (const Prefix& p : prefixes) {
    if (mnemonic.starts_with(p.text)) return p.class_;
  }
  return otherwise;
}

class Decoder {
 public:
  Decoder(csh capstone, std::vector<Instruction>* out) : capstone_(capstone), out_(out) {}
  void Run(const cs_insn& insn);

 private:
  void Address(const x86_op_mem& memory, Instruction* i) const {
    for (const unsigned id :
         {static_cast<unsigned>(memory.base), static_cast<unsigned>(memory.index)}) {
      const uint8_t r = RegisterOf(capstone_, id);
      if (r != kNoRegister) i->Reads(r);
    }
  }
  void Emit(const Instruction& i) {
    out_->push_back(i);
    out_->back().rides = !first_;
    first_ = false;
  }

  csh capstone_;
  std::vector<Instruction>* out_;
  bool first_ = true;
};

void Decoder::Run(const cs_insn& insn) {
  first_ = true;
  std::string_view mnemonic(insn.mnemonic);
  const cs_x86& x86 = insn.detail->x86;
  bool vector = false, full = false;
  const x86_op_mem* memory = nullptr;
  for (int k = 0; k < x86.op_count; ++k) {
    const cs_x86_op& op = x86.operands[k];
    if (op.type == X86_OP_REG && IsVector(RegisterOf(capstone_, op.reg))) vector = true;
    if (op.type == X86_OP_MEM) {
      memory = &op.mem;
      full = op.size >= 16;
    }
  }
  const bool lea = mnemonic == "lea", nop = mnemonic.starts_with("nop");
  if (nop || mnemonic.starts_with("prefetch")) memory = nullptr;
  if (vector && mnemonic[0] == 'v') mnemonic.remove_prefix(1);
  const bool stores = memory != nullptr && !lea && x86.operands[0].type == X86_OP_MEM &&
                      mnemonic != "cmp" && mnemonic != "test";
  const bool moves = mnemonic.starts_with("mov") && mnemonic != "movshdup" &&
                     mnemonic != "movsldup" && mnemonic != "movddup" &&
                     !mnemonic.starts_with("movmsk");

  Instruction i;
  // Loads: a move from memory is nothing else.
  if (memory != nullptr && !lea &&
      (!stores || (!moves && !mnemonic.starts_with("set") && !mnemonic.starts_with("extract")))) {
    Instruction load;
    Address(*memory, &load);
    load.class_ = vector ? Class::kSimdLoad : Class::kLoad;
    const bool only = moves || mnemonic.starts_with("broadcast");
    const uint8_t to = only ? RegisterOf(capstone_, x86.operands[0].reg) : kFirstTemporary;
    if (to != kNoRegister) load.Writes(to);
    Emit(load);
    if (only) return;
    i.Reads(kFirstTemporary);
  }
  if (!(stores && moves) && mnemonic != "push" && mnemonic != "pop") {
    i.class_ = vector ? ClassOf(mnemonic, kVectorPrefixes, Class::kSimdInt)
                      : ClassOf(mnemonic, kGeneralPrefixes, Class::kInt);
    const bool compares = mnemonic == "cmp" || mnemonic == "test" ||
                          mnemonic.starts_with("comis") || mnemonic.starts_with("ucomis");
    // Of two operands the first is read, too; of three, as AVX has them, it is only written.
    const bool three = x86.op_count > 2 || (vector && insn.mnemonic[0] == 'v' && x86.op_count == 2);
    const bool fma = i.class_ == Class::kSimdFma;
    bool general = false, from_vector = false;
    for (int k = 0; k < x86.op_count; ++k) {
      const cs_x86_op& op = x86.operands[k];
      if (op.type != X86_OP_REG) continue;
      const uint8_t r = RegisterOf(capstone_, op.reg);
      if (r == kNoRegister) continue;
      if (!IsVector(r)) general = true;
      if (k == 0 && !IsVector(r)) from_vector = vector;
      const bool reads =
          k > 0 || compares || fma || !(moves || lea || three || mnemonic.starts_with("set"));
      if (reads) i.Reads(r);
      if (k == 0 && fma && mnemonic.find("231") != std::string_view::npos) i.accumulator = r;
      if (k == 0 && !compares && !stores && i.class_ != Class::kBranch) i.Writes(r);
    }
    if (lea) Address(x86.operands[1].mem, &i);
    if (vector && general) i.class_ = from_vector ? Class::kFromVector : Class::kToVector;
    const bool zeroes =
        mnemonic == "xorps" || mnemonic == "pxor" || mnemonic == "xor" || mnemonic == "xorpd";
    if (zeroes && memory == nullptr && x86.op_count >= 2 &&
        x86.operands[x86.op_count - 1].reg == x86.operands[x86.op_count - 2].reg) {
      i.ends_chain = true;
    }
    const bool conditional = (mnemonic[0] == 'j' && mnemonic != "jmp") ||
                             mnemonic.starts_with("cmov") || mnemonic.starts_with("set");
    if (conditional) i.Reads(kFlagsRegister);
    if (compares || (!vector && (i.class_ == Class::kInt || i.class_ == Class::kIntShift) &&
                     !moves && !lea && !conditional && mnemonic != "not")) {
      i.Writes(kFlagsRegister);
    }
    if (stores) i.Writes(kFirstTemporary + 1);
    Emit(i);
  }
  if (stores || mnemonic == "push" || mnemonic == "call") {
    Instruction store;
    if (memory != nullptr) Address(*memory, &store);
    if (!moves && stores) store.Reads(kFirstTemporary + 1);
    if (x86.op_count > 0 && x86.operands[x86.op_count - 1].type == X86_OP_REG &&
        (moves || !stores)) {
      const uint8_t r = RegisterOf(capstone_, x86.operands[x86.op_count - 1].reg);
      if (r != kNoRegister) store.Reads(r);
    }
    store.class_ = vector && full ? Class::kSimdStore : Class::kStore;
    Emit(store);
  }
  if (mnemonic == "pop" || mnemonic == "ret") {
    Instruction load;
    load.class_ = Class::kLoad;
    if (mnemonic == "pop" && x86.operands[0].type == X86_OP_REG) {
      const uint8_t r = RegisterOf(capstone_, x86.operands[0].reg);
      if (r != kNoRegister) load.Writes(r);
    }
    Emit(load);
  }
}

}  // namespace

std::vector<Instruction> DecodeX86(const std::vector<uint8_t>& bytes) {
  std::vector<Instruction> out;
  csh capstone;
  if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) != CS_ERR_OK) return out;
  cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
  cs_insn* insn = cs_malloc(capstone);
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  uint64_t address = 0;
  Decoder decoder(capstone, &out);
  while (cs_disasm_iter(capstone, &at, &left, &address, insn)) decoder.Run(*insn);
  cs_free(insn, 1);
  cs_close(&capstone);
  return out;
}

}  // namespace halyard
