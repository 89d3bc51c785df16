// AArch64 instructions as the cycle model sees them.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/virtual_board/instruction.h"

namespace halyard {

// Encoding groups after the Arm Architecture Reference Manual for A-profile (DDI 0487), C4.1.
// Exact for what compilers make of FP, NEON and integer code; of the rest a class near enough, with
// no register it does not have. X31, be it zero or the stack pointer, is never waited for.
Instruction DecodeAarch64(uint32_t word);

// The instructions of a block.
std::vector<Instruction> DecodeAarch64(const std::vector<uint8_t>& bytes);

}  // namespace halyard
