// ONNX models as exporters write them, by ONNX's own classes.
#pragma once

#include <onnx/defs/attr_proto_util.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "schedules/onnx/network.h"

namespace halyard {

using Dims = std::vector<int64_t>;
using Attributes = std::vector<onnx::AttributeProto>;

template <typename T>
onnx::AttributeProto Attr(const std::string& name, const T& value) {
  return onnx::MakeAttribute(name, value);
}

class ModelWriter {
 public:
  explicit ModelWriter(int64_t opset = 13);

  // Each returns the value's name.
  std::string Input(const std::string& name, const Dims& dims,
                    onnx::TensorProto::DataType type = onnx::TensorProto::FLOAT);
  // f32 in a file of its own, which is not there.
  std::string Weight(const Dims& dims);
  std::string Tensor(const Dims& dims, const std::vector<float>& values);
  std::string Scalar(float value) { return Tensor({}, {value}); }
  std::string Integers(const Dims& values);
  std::string Integer(int64_t value);  // of no dimension
  std::string Booleans(const Dims& dims, const std::vector<bool>& values);
  std::string Node(const std::string& op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {}, const std::string& domain = "");
  void Output(const std::string& value,
              onnx::TensorProto::DataType type = onnx::TensorProto::FLOAT);

  // x * W + b as exporters write a layer of a transformer.
  std::string Dense(const std::string& x, int64_t in, int64_t out);
  // The five nodes of exporters before opset 20.
  std::string Gelu(const std::string& x);

  onnx::ModelProto model;

 private:
  std::string Fresh(const std::string& what);
  onnx::TensorProto& Initialiser(const Dims& dims, onnx::TensorProto::DataType type);
  int values_ = 0;
};

// A folder that goes with it.
class ModelFolder {
 public:
  ModelFolder();
  ~ModelFolder();
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;

  std::string path(const std::string& name) const { return folder_ / name; }
  // Returns the file's path.
  std::string Write(const onnx::ModelProto& model) const;

 private:
  std::filesystem::path folder_;
};

absl::StatusOr<Network> ReadBack(const ModelWriter& writer, const OpenDimensions& dimensions = {});
// "conv2d:1x4x4x3x8x1x1,packed=1:f32" -> calls. Fails the test where the model is refused.
std::map<std::string, int> TasksOf(const ModelWriter& writer,
                                   const OpenDimensions& dimensions = {});
std::map<std::string, int> TasksOf(const Network& network);
// The reason of the only group of nodes of `op` that is not covered; "" where there is none.
std::string ReasonFor(const ModelWriter& writer, const std::string& op);

}  // namespace halyard
