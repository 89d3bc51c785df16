// An ONNX file as its protobuf: read, within limits, and of a version that is known.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "absl/status/statusor.h"

namespace halyard {

// Before 7, operators broadcast by attributes of their own.
inline constexpr int64_t kOldestOpset = 7;
// Of If, Loop and Scan inside one another. Readers and checkers recurse.
inline constexpr int kDeepestSubgraph = 16;

// Messages name `path`. NotFound, InvalidArgument: see ReadNetwork.
absl::StatusOr<onnx::ModelProto> ReadModelFile(const std::string& path);

// Of the default domain; 0 where the model imports none.
int64_t OpsetOf(const onnx::ModelProto& model);

}  // namespace halyard
