// x86-64 instructions, up to AVX2 and FMA, as the cycle model sees them.
#pragma once

#include <cstdint>
#include <vector>

#include "targets/virtual_board/instruction.h"

namespace halyard {

// The instructions of a block: a load, an operation and a store where one of the program is all
// three, which are dispatched as one. Disassembled by Capstone; what it cannot read is left out.
std::vector<Instruction> DecodeX86(const std::vector<uint8_t>& bytes);

}  // namespace halyard
