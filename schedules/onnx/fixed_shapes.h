// Shape inference where every input's shape is a number.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <unordered_map>

namespace halyard {

using KnownIntegers = std::unordered_map<std::string, onnx::TensorShapeProto>;

// Sets value_info of every value whose shape does not depend on data, and returns the integers that
// shapes are computed from, as far as they are known. ONNX's inference follows integers from Shape
// to Reshape, and to most others only constants: so what it has found becomes a constant, in a
// copy, and it is asked again. Throws what ONNX's inference throws where shapes do not fit.
KnownIntegers InferFixedShapes(onnx::ModelProto& model);

}  // namespace halyard
