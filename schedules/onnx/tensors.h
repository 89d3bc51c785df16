// Values of ONNX tensors.
#pragma once

#include <onnx/onnx_pb.h>

#include <optional>
#include <string>
#include <vector>

namespace halyard {

inline bool IsExternal(const onnx::TensorProto& tensor) {
  return tensor.data_location() == onnx::TensorProto::EXTERNAL;
}

// Nothing where dimensions are negative or multiply beyond 2^62.
std::optional<int64_t> ElementsOf(const onnx::TensorProto& tensor);

// Of one element in raw_data; 0 for what is not kept there.
int64_t ElementBytes(int32_t data_type);

// Integers, booleans, and floating point as double. Nothing where they are external, of another
// type, or not as many as the dimensions say.
std::optional<std::vector<double>> ValuesOf(const onnx::TensorProto& tensor);

}  // namespace halyard
