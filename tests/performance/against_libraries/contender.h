// What is timed against each other: one operator of one library, bound to its tensors.
#pragma once

#include <functional>
#include <new>
#include <string>
#include <vector>

#include "schedules/operator.h"

namespace halyard {

// Aligned as frameworks align their tensors, to a cache line; half of a vector's loads would
// straddle two lines otherwise.
template <typename T>
struct CacheLineAllocator {
  using value_type = T;
  CacheLineAllocator() = default;
  template <typename U>
  explicit CacheLineAllocator(const CacheLineAllocator<U>&) {}
  T* allocate(size_t n) {
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64)));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(64)); }
  bool operator==(const CacheLineAllocator&) const { return true; }
};

using Tensor = std::vector<float, CacheLineAllocator<float>>;

struct Contender {
  std::string library;  // "ours", "oneDNN" ...
  // Weights laid out by the library before the clock starts, or activations in its own layout.
  bool packed = false;
  std::function<void()> run;
  // The answer of the last run, row-major as Operator::OutputShape.
  std::function<Tensor()> answer;
};

struct Problem {
  Workload workload;
  std::vector<Tensor> inputs;  // as Operator::InputShapes
  Tensor output;               // written by contenders that answer in the operator's own layout
};

// Each adds what it has for the problem, which outlives the contenders. Threads: all that
// OMP_NUM_THREADS names.
void AddBlas(Problem& problem, std::vector<Contender>& contenders);  // OpenBLAS and BLIS
void AddOneDnn(Problem& problem, std::vector<Contender>& contenders);

}  // namespace halyard
