// A shaped ONNX graph as patterns ask about it: who makes and who reads a value, its shape, and
// whether it is the same in every call.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "schedules/onnx/model_shapes.h"

namespace halyard {

using Sizes = std::vector<int64_t>;

class OnnxGraph {
 public:
  // `model` must outlive it.
  explicit OnnxGraph(const ShapedModel& model);

  int size() const { return graph_.node_size(); }
  const onnx::NodeProto& node(int n) const { return graph_.node(n); }
  int64_t opset() const { return opset_; }

  // The number of the node; -1: none makes it, it is an input or an initialiser.
  int Maker(const std::string& value) const;
  // The maker where it is this operator of ONNX's own, or -1.
  int Maker(const std::string& value, const char* op_type) const;
  // Nodes that read it, once a use; subgraphs of a node are the node's uses.
  const std::vector<int>& Users(const std::string& value) const;
  // Its reader where there is no other and the graph does not hand it out; -1 else.
  int OnlyUser(const std::string& value) const;
  bool IsOutput(const std::string& value) const { return outputs_.count(value) != 0; }

  // Nothing where a dimension is not known.
  std::optional<Sizes> Shape(const std::string& value) const;
  // onnx::TensorProto::DataType; 0 where unknown.
  int32_t Type(const std::string& value) const;
  bool IsF32(const std::string& value) const;

  // The same in every call: initialisers, and what is computed from such and from shapes alone. (An
  // initialiser that is also an input of the graph counts as constant.)
  bool IsConstant(const std::string& value) const { return constants_.count(value) != 0; }
  // A constant of one element, through what exporters compute scalars with; nothing where its
  // value is not known.
  std::optional<double> Scalar(const std::string& value) const { return ScalarAt(value, 0); }
  // A constant's values, through Identity, Cast, Squeeze, Unsqueeze and Reshape.
  std::optional<std::vector<double>> Values(const std::string& value) const;

 private:
  std::optional<double> ScalarAt(const std::string& value, int depth) const;
  const onnx::TensorProto* Tensor(const std::string& value) const;
  void FindConstants(const ShapedModel& model);

  const onnx::GraphProto& graph_;
  const KnownIntegers& integers_;
  int64_t opset_;
  std::unordered_map<std::string, int> makers_;
  std::unordered_map<std::string, std::vector<int>> users_;
  std::unordered_map<std::string, const onnx::TypeProto*> types_;
  std::unordered_map<std::string, const onnx::TensorProto*> initialisers_;
  std::unordered_set<std::string> outputs_, constants_;
};

// Of ONNX's own operators, not another domain's of the same name.
bool IsOp(const onnx::NodeProto& node, const char* op_type);

// Attributes, or what they are where left out.
int64_t IntAttribute(const onnx::NodeProto& node, const char* name, int64_t otherwise);
double FloatAttribute(const onnx::NodeProto& node, const char* name, double otherwise);
std::string TextAttribute(const onnx::NodeProto& node, const char* name, const char* otherwise);
Sizes IntsAttribute(const onnx::NodeProto& node, const char* name, const Sizes& otherwise);

// Does nothing outside training.
bool IsIdleDropout(const OnnxGraph& graph, const onnx::NodeProto& node);

// Input `i`, "" where it is left out.
std::string Input(const onnx::NodeProto& node, int i);

// As messages have it: 1x3x224x224.
std::string SizesText(const Sizes& sizes);
// Saturates.
int64_t ProductOf(Sizes::const_iterator begin, Sizes::const_iterator end);

}  // namespace halyard
