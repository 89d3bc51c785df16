// Cycles of basic blocks on a core whose caches always hit.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "targets/virtual_board/board_model.h"
#include "targets/virtual_board/instruction.h"

namespace halyard {

// A CoreModel with the texts looked up.
struct Core {
  struct Timing {
    uint32_t pipes = 0, also = 0;  // a bit each
    int uops = 1, quad_uops = 1;
    uint32_t busy = 1, latency = 1, accumulate = 1;  // whole cycles
  };
  // False: a class has no timing or names a pipe that there is not; `error` names it.
  bool Set(const CoreModel& model, std::string* error);

  std::array<Timing, kInstructionClasses> timings;
  bool in_order = false, whole_instructions = false;
  uint32_t width = 1, window = 1;
};

// Runs instructions through dispatch in order, issue on the first free pipe when the operands are
// there, and retirement in order: the bounds that the optimization guides' figures imply, with no
// more structure than they state. An instruction is taken only after those before it, so the oldest
// comes first where two want a pipe (as in LLVM's machine code analyzer). An in-order core issues
// in order, too.
class Pipeline {
 public:
  static constexpr uint64_t kCalendar = 4096;

  explicit Pipeline(const Core& core);
  void Run(const Instruction& instruction);
  // When the last instruction has left.
  uint64_t retired() const { return retired_; }

 private:
  // [pipe][cycle % kCalendar] = cycle + 1 where the pipe is taken in that cycle. A cycle is looked
  // at only within what a window of instructions can span, which is less.
  uint64_t Issue(uint32_t pipes, uint32_t busy, uint64_t earliest);
  bool Free(unsigned pipe, uint64_t cycle, uint32_t busy) const;
  uint64_t Dispatch(unsigned uops);

  const Core& core_;
  std::vector<std::vector<uint64_t>> taken_;
  std::vector<uint64_t> uses_;  // of each pipe
  std::array<uint64_t, kRegisters> ready_{};
  std::array<uint64_t, kRegisters> ready_to_add_{};
  std::array<uint8_t, kRegisters> writer_{};
  std::vector<uint64_t> in_flight_;  // when each of the last `window` micro-ops retired
  uint64_t n_dispatched_ = 0, cycle_ = 0, in_cycle_ = 0;
  uint64_t issued_ = 0, retired_ = 0;
};

// Cycles of `block` coming after `before`: of the last of several rounds of the two in turns, or,
// where they are the same block, of one turn of the loop that it is. So the costs along a path add
// up to about the path's.
double BlockCycles(const Core& core, const std::vector<Instruction>& before,
                   const std::vector<Instruction>& block, bool loop);

}  // namespace halyard
