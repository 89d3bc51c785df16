// A network in an ONNX file, as workloads: which of its layers the operators here compute, how
// often each is called, and what is left to other code.
//
// Matched by meaning: a node counts as covered only where an operator computes the same, with
// constants folded into weights where that is exact (BatchNormalization after a convolution, a
// Gemm's alpha). A convolution's tensors are NCHW in ONNX and NHWC here: the workload is the same,
// its tensors are laid out otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "schedules/workload_file.h"

namespace halyard {

// Sizes of the dimensions that the file leaves open.
struct OpenDimensions {
  std::optional<int64_t> batch;  // of dimension 0 of every input where it is open
  std::map<std::string, int64_t>
      by_name;  // of "sequence", or of "input_ids:1" where it has no name
};

// Nodes of one kind that no workload covers, for one reason.
struct NotCovered {
  std::string op;      // the ONNX operator
  std::string reason;  // a phrase
  int nodes = 0;
  double flops = 0;  // where it is a product; as Operator::Flops counts, padding included
};

struct Network {
  int64_t opset = 0;
  int nodes = 0;
  // In the order of their first call; bias, residual and activation are part of the product's
  // workload. Constant weights: packed=1.
  std::vector<ListedWorkload> tasks;
  std::vector<NotCovered> not_covered;  // most work first, then most nodes
  int covered_nodes = 0;
  // Constants, and what only looks at a tensor otherwise (Reshape, Identity, ...).
  int free_nodes = 0;
};

// Opsets 7 to the newest that the ONNX library knows; initialisers that stand in files of their own
// need not be there unless a shape depends on their values. NotFound: no such file.
// InvalidArgument: one line that names the file, what is wrong and what would be right: not a whole
// model, unknown opset, a dimension left open, a cycle, shapes that do not fit.
absl::StatusOr<Network> ReadNetwork(const std::string& path, const OpenDimensions& dimensions);

}  // namespace halyard
