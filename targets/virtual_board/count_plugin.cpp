// TCG plugin of a virtual board: hands what the emulator executes to a KernelCounter.
//
// Arguments: model=PATH, a BoardModel as JSON; out=PATH, where the report goes; and, where somebody
// wants to see them, blocks=PATH: a line for each block of the kernels, "units executed bytes in
// hex", the costliest first.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "targets/virtual_board/decode_aarch64.h"
#include "targets/virtual_board/decode_x86.h"
#include "targets/virtual_board/kernel_counter.h"
#include "targets/virtual_board/markers.h"
#include "targets/virtual_board/qemu_plugin_api.h"

extern "C" {
PLUGIN_EXPORT int qemu_plugin_version = 1;
PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                      char** argv);
}

namespace {

using namespace halyard;

// The emulator keeps the plugin until it ends, and calls it from static functions only.
KernelCounter* counter;
std::string report_path, blocks_path;

void OnMarker(unsigned int, void* marker) {
  counter->OnMarker(static_cast<int>(reinterpret_cast<uintptr_t>(marker)));
}

void OnBlock(unsigned int, void* block) {
  if (counter->counting()) counter->OnBlock(static_cast<CountedBlock*>(block));
}

void OnAccess(unsigned int, qemu_plugin_meminfo_t info, uint64_t address, void* site) {
  if (!counter->counting() && !counter->warming()) return;
  counter->OnAccess(static_cast<AccessSite*>(site), address, 1u << qemu_plugin_mem_size_shift(info),
                    qemu_plugin_mem_is_store(info));
}

struct InstructionSet {
  const char* target;  // qemu's name
  KernelCounter::Decoder decode;
  bool (*is_marker)(const std::vector<uint8_t>& bytes, uintptr_t* marker);
  bool (*may_access)(const std::vector<uint8_t>& bytes);  // memory
};

uint32_t Word(const std::vector<uint8_t>& bytes, size_t at) {
  uint32_t word = 0;
  if (at + sizeof(word) <= bytes.size()) std::memcpy(&word, &bytes[at], sizeof(word));
  return word;
}

bool InRange(uintptr_t marker) {
  return marker >= HALYARD_MARKER_KERNEL_BEGIN && marker <= HALYARD_MARKER_LAST;
}

const InstructionSet kInstructionSets[] = {
    {"aarch64", static_cast<KernelCounter::Decoder>(DecodeAarch64),
     [](const std::vector<uint8_t>& bytes, uintptr_t* marker) {  // HINT #imm7
       const uint32_t word = Word(bytes, 0);
       *marker = (word >> 5) & 0x7f;
       return (word & 0xfffff01fu) == 0xd503201fu && InRange(*marker);
     },
     // Loads and stores: op0 is x1x0 (Arm ARM, C4.1).
     [](const std::vector<uint8_t>& bytes) { return ((Word(bytes, 0) >> 25) & 5) == 4; }},
    {"x86_64", DecodeX86,
     [](const std::vector<uint8_t>& bytes, uintptr_t* marker) {  // nopl disp32(%rax)
       const uint32_t displacement = Word(bytes, 3);
       *marker = displacement & 0xff;
       return bytes.size() == 7 && bytes[0] == 0x0f && bytes[1] == 0x1f && bytes[2] == 0x80 &&
              (displacement & ~0xffu) == HALYARD_X86_MARKER_PATTERN && InRange(*marker);
     },
     [](const std::vector<uint8_t>&) { return true; }}};
const InstructionSet* instruction_set;

// A kernel, which the runner maps elsewhere, could count itself short.
bool IsRunners(const qemu_plugin_insn* insn) {
  const uint64_t at = qemu_plugin_insn_vaddr(insn);
  return at >= qemu_plugin_start_code() && at < qemu_plugin_end_code();
}

void OnTranslate(qemu_plugin_id_t, qemu_plugin_tb* tb) {
  CountedBlock* block = counter->NewBlock();
  const size_t n = qemu_plugin_tb_n_insns(tb);
  for (size_t at = 0; at < n; ++at) {
    qemu_plugin_insn* insn = qemu_plugin_tb_get_insn(tb, at);
    const auto* begin = static_cast<const uint8_t*>(qemu_plugin_insn_data(insn));
    const std::vector<uint8_t> bytes(begin, begin + qemu_plugin_insn_size(insn));
    block->bytes.insert(block->bytes.end(), bytes.begin(), bytes.end());
    uintptr_t marker;
    if (instruction_set->is_marker(bytes, &marker) && IsRunners(insn)) {
      qemu_plugin_register_vcpu_insn_exec_cb(insn, OnMarker, QEMU_PLUGIN_CB_NO_REGS,
                                             reinterpret_cast<void*>(marker));
    }
    if (instruction_set->may_access(bytes)) {
      qemu_plugin_register_vcpu_mem_cb(insn, OnAccess, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW,
                                       counter->NewSite());
    }
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, OnBlock, QEMU_PLUGIN_CB_NO_REGS, block);
}

void WriteBlocks() {
  std::vector<const CountedBlock*> blocks;
  for (const CountedBlock& block : counter->blocks()) {
    if (block.units != 0) blocks.push_back(&block);
  }
  std::stable_sort(blocks.begin(), blocks.end(), [](const CountedBlock* a, const CountedBlock* b) {
    return a->units > b->units;
  });
  std::ofstream out(blocks_path);
  for (const CountedBlock* block : blocks) {
    out << block->units << ' ' << block->ever_executed + block->executed << ' ';
    for (const uint8_t byte : block->bytes) {
      out << "0123456789abcdef"[byte >> 4] << "0123456789abcdef"[byte & 15];
    }
    out << '\n';
  }
}

void OnExit(qemu_plugin_id_t, void*) {
  if (!counter->failure().empty()) {
    std::fprintf(stderr, "count_plugin: %s\n", counter->failure().c_str());
    return;
  }
  std::ofstream(report_path) << counter->Report().dump() << '\n';
  if (!blocks_path.empty()) WriteBlocks();
}

// Empty, or what is wrong.
std::string ReadModel(const std::string& path) {
  std::ifstream file(path);
  if (!file) return "no model file " + path;
  try {
    std::string error;
    counter = new KernelCounter;
    if (counter->Set(nlohmann::json::parse(file).get<BoardModel>(), instruction_set->decode,
                     &error))
      return "";
    return path + ": " + error;
  } catch (const nlohmann::json::exception& e) {
    return path + ": " + e.what();
  }
}

}  // namespace

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  std::string model, problem;
  for (const InstructionSet& set : kInstructionSets) {
    if (std::strcmp(set.target, info->target_name) == 0) instruction_set = &set;
  }
  if (instruction_set == nullptr) problem = std::string("no model of ") + info->target_name;
  for (int i = 0; i < argc; ++i) {
    const char* equals = std::strchr(argv[i], '=');
    const std::string name(
        argv[i], equals == nullptr ? std::strlen(argv[i]) : static_cast<size_t>(equals - argv[i]));
    const std::string value = equals == nullptr ? "" : equals + 1;
    if (name == "model") {
      model = value;
    } else if (name == "out") {
      report_path = value;
    } else if (name == "blocks") {
      blocks_path = value;
    } else {
      problem = "bad argument " + std::string(argv[i]);
    }
  }
  if (problem.empty() && report_path.empty()) problem = "no out=PATH";
  if (problem.empty()) problem = ReadModel(model);
  if (!problem.empty()) {
    std::fprintf(stderr, "count_plugin: %s\n", problem.c_str());
    return -1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, OnTranslate);
  qemu_plugin_register_atexit_cb(id, OnExit, nullptr);
  return 0;
}
