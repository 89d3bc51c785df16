#include "targets/virtual_board/instruction.h"

namespace halyard {

const char* InstructionClassName(InstructionClass class_) {
  static const char* const names[kInstructionClasses] = {
      "simd_fma",     "simd_mul",     "simd_add",    "simd_int",       "simd_int_mul",
      "simd_permute", "simd_convert", "simd_reduce", "simd_div",       "to_vector",
      "from_vector",  "load",         "simd_load",   "simd_load_lane", "store",
      "simd_store",   "int",          "int_lsl",     "int_shift",      "mul",
      "div",          "branch",       "other"};
  return names[static_cast<int>(class_)];
}

}  // namespace halyard
