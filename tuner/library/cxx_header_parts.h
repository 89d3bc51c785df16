// The C++ header of a library and what its texts share.
#pragma once

#include <string>
#include <vector>

#include "tuner/library/library_plan.h"

namespace halyard {

// The arguments of one function: its tensors, the epilogue's among them where it has one.
struct Tensors {
  std::vector<std::string> parameters, data;
  std::string checks;
};

// `function`: an expression for its name. `skip`: the tensor that is not an argument, `in_place`
// what is handed on in its place.
Tensors TensorsOf(const PlannedOperator& planned, const std::string& function, bool epilogue,
                  int skip = -1, const std::string& in_place = "");

// batch_gemm as a part of a class's name: BatchGemm.
std::string CamelCase(const std::string& name);

// <name>.hpp, for devices with an operating system; the plan's variants have no part in it.
std::string CxxHeaderText(const LibraryPlan& plan);

// The function with an epilogue, and the class of a packed operand, of an operator that has them.
std::string CxxPackedText(const PlannedOperator& planned);

}  // namespace halyard
