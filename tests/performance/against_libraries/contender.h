// What is timed against each other: one operator of one library, bound to its tensors.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "schedules/operator.h"

namespace halyard {

using Tensor = std::vector<float>;

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
