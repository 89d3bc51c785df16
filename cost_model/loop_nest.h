// What a loop nest moves between the levels of a cache hierarchy, from the bytes that each operand
// touches in one run of each loop. After Goto and van de Geijn 2008 (blocked_matmul.h) and the
// reuse distances of Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems
// Journal 9(2), 1970: data met again stays in a cache when what was touched in between fits.
#pragma once

#include <array>
#include <cstddef>

namespace halyard {

inline constexpr size_t kOperands = 3;  // a, b: read; c: written
inline constexpr size_t kMostLoops = 6;

// Loops from the innermost out. Level 0 is the body, a register tile's whole reduction.
class LoopNest {
 public:
  // Distinct bytes of each operand that the body touches.
  explicit LoopNest(const std::array<double, kOperands>& body);

  // Puts a loop around the nest. `uses`: the operands that it moves along in, which then touch
  // `trips` times as many bytes. REQUIRES: fewer than kMostLoops loops.
  void Around(double trips, const std::array<bool, kOperands>& uses);

  size_t loops() const { return loops_; }
  double trips(size_t loop) const { return trips_[loop]; }
  // Distinct bytes that one run of the `level` innermost loops touches.
  double bytes(size_t level, size_t operand) const { return bytes_[level][operand]; }
  double bytes(size_t level) const;
  // How often the body runs.
  double runs() const;

  // Bytes of an operand that come into a cache of `capacity` bytes over the whole nest. `inflate`:
  // how many times its bytes an operand takes of the cache (more than 1 where its rows lie a power
  // of two apart and share sets).
  std::array<double, kOperands> Traffic(double capacity,
                                        const std::array<double, kOperands>& inflate) const;
  // The outermost level whose bytes fit into `capacity`, as a share of the loops: 0 where the body
  // does not even, 1 where everything does.
  double FittingShare(double capacity, const std::array<double, kOperands>& inflate) const;

 private:
  // Levels that fit, counted from the body: 0 where none does.
  size_t Fitting(double capacity, const std::array<double, kOperands>& inflate) const;

  size_t loops_ = 0;
  std::array<double, kMostLoops> trips_{};
  std::array<std::array<bool, kOperands>, kMostLoops> uses_{};
  std::array<std::array<double, kOperands>, kMostLoops + 1> bytes_{};
};

// How many times its bytes a block of `rows` rows of `row_bytes` each, `stride` bytes apart, takes
// of a cache whose sets repeat every `period` bytes: 1 where rows spread over all sets.
double SetConflict(double rows, double row_bytes, double stride, double period, double line_bytes);

}  // namespace halyard
