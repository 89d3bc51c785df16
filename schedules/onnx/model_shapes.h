// A model checked, with every dimension a number and the shape of every value inferred, as far as
// they do not depend on data.
#pragma once

#include <onnx/onnx_pb.h>

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "schedules/onnx/fixed_shapes.h"
#include "schedules/onnx/network.h"

namespace halyard {

struct ShapedModel {
  onnx::ModelProto model;  // inferred shapes in its graph's value_info
  // Initialisers whose values stay in files of their own; inputs of the graph in `model`.
  std::set<std::string> external;
  // Of these, those that a shape may need, and whose file is not there.
  std::set<std::string> missing;
  // Integers that shapes are computed from, where they are known.
  KnownIntegers integers;
};

// `path` names the model in messages, and finds files beside it. InvalidArgument: see ReadNetwork.
absl::StatusOr<ShapedModel> InferModelShapes(const std::string& path, onnx::ModelProto model,
                                             const OpenDimensions& dimensions);

// Each dimension that is open gets its size. InvalidArgument: one has none, or is not there.
absl::Status FixDimensions(const std::string& path, const OpenDimensions& dimensions,
                           const std::set<std::string>& initialisers, onnx::GraphProto& graph);

// InvalidArgument: names the nodes of a cycle.
absl::Status CheckAcyclic(const std::string& path, const onnx::GraphProto& graph);

}  // namespace halyard
