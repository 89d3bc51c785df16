// What follows a product and is computed where its result is stored: activation(product + bias +
// residual), as schedules/epilogue.h has it.
#pragma once

#include <string>
#include <vector>

#include "schedules/onnx/findings.h"

namespace halyard {

// A product that has been recognised, and what of its epilogue it brings along.
struct Product {
  Call call;
  int node = 0;
  int channel_axis = 0;           // of its output; -1: none
  bool constant_weights = false;  // so that a factor an output channel folds into them
  bool bias = false, residual = false;
};

// Extends the product by the nodes after it that its epilogue can be; all of its nodes. The
// epilogue's attributes are added to its call.
std::vector<int> FuseEpilogue(const OnnxGraph& graph, const Findings& findings, Product& product);

// The nodes of x * 0.5 * (1 + erf(x / sqrt 2)) of `value`, which nobody else reads, and their
// result; no nodes where it is no such. (The approximation by tanh is another function, by up to
// 5e-4, and none that the epilogue has.)
struct GeluNodes {
  std::vector<int> nodes;
  std::string result;
};
GeluNodes MatchGelu(const OnnxGraph& graph, const std::string& value);

}  // namespace halyard
