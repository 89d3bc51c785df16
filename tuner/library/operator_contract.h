// What the C function of an operator has to know beyond names and ranges: the extents of its
// tensors and its rules, as C expressions over its sizes and attributes.
#pragma once

#include <string>
#include <vector>

namespace halyard {

struct TensorContract {
  std::string name;                  // of the pointer argument
  std::vector<std::string> extents;  // outermost first
};

struct RuleContract {
  std::string condition;  // true for good arguments
  std::string text;       // the same for people
};

struct OperatorContract {
  std::string op;
  std::string summary;  // a sentence or two for the header
  // Local int64_t variables, `name` = `expression`, computed after ranges and `rules` were checked.
  std::vector<std::pair<std::string, std::string>> derived;
  // Inputs in the operator's order, then the output; what an epilogue reads is not among them.
  std::vector<TensorContract> tensors;
  std::vector<RuleContract> rules;  // what Operator::CheckShape refuses besides ranges
  // The tensor that may be laid out ahead of the calls (workload attribute `packed`), or -1.
  int constant = -1;
  // Whether a problem larger in its first size alone (which counts rows, products, images or heads
  // that have nothing to do with one another) runs on a tuned kernel, in parts.
  bool in_parts = true;
};

// nullptr when there is none of that name.
const OperatorContract* FindContract(const std::string& op);

}  // namespace halyard
