#include "schedules/onnx/fixed_shapes.h"

#include <onnx/shape_inference/implementation.h>

#include <algorithm>

namespace halyard {
namespace {

using onnx::TensorProto;
using ValueTypes = std::unordered_map<std::string, onnx::TypeProto>;

// A round gets past the next Reshape that wants a constant: two of them a layer of a transformer.
constexpr int kMostRounds = 1000;

KnownIntegers Infer(onnx::ModelProto& model) {
  KnownIntegers found;
  onnx::shape_inference::InferShapes(
      model, onnx::OpSchemaRegistry::Instance(),
      onnx::ShapeInferenceOptions(/*check_type=*/true, /*strict_mode=*/1, /*data_prop=*/true),
      &found);
  return found;
}

void CollectTypes(const onnx::GraphProto& graph, ValueTypes& types) {
  for (const onnx::ValueInfoProto& value : graph.value_info()) types[value.name()] = value.type();
  for (const onnx::ValueInfoProto& value : graph.output()) types[value.name()] = value.type();
}

// A scalar or a vector of known integers as an initialiser; nothing where a number is open.
bool MakeConstant(const std::string& name, const KnownIntegers& integers, const ValueTypes& types,
                  TensorProto& tensor) {
  const auto known = integers.find(name);
  const auto type = types.find(name);
  if (known == integers.end() || type == types.end()) return false;
  const auto& shape = type->second.tensor_type();
  const auto& numbers = known->second.dim();
  const bool is_list = shape.shape().dim_size() == 1;
  if (shape.elem_type() != TensorProto::INT64 || !shape.has_shape() ||
      shape.shape().dim_size() > 1 || (!is_list && numbers.size() != 1)) {
    return false;
  }
  tensor.set_name(name);
  tensor.set_data_type(TensorProto::INT64);
  if (is_list) tensor.add_dims(numbers.size());
  for (const auto& number : numbers) {
    if (!number.has_dim_value()) return false;
    tensor.add_int64_data(number.dim_value());
  }
  return true;
}

// Nodes whose output is known make way for the constant. False: there is none.
bool FoldKnown(const KnownIntegers& integers, const ValueTypes& types, onnx::GraphProto& graph) {
  google::protobuf::RepeatedPtrField<onnx::NodeProto> kept;
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    TensorProto constant;
    const bool is_output = std::any_of(
        graph.output().begin(), graph.output().end(),
        [&](const auto& o) { return node.output_size() == 1 && o.name() == node.output(0); });
    if (node.output_size() == 1 && !is_output &&
        MakeConstant(node.output(0), integers, types, constant)) {
      *graph.add_initializer() = std::move(constant);
    } else {
      kept.Add(std::move(node));
    }
  }
  const bool any = kept.size() < graph.node_size();
  graph.mutable_node()->Swap(&kept);
  return any;
}

}  // namespace

KnownIntegers InferFixedShapes(onnx::ModelProto& model) {
  KnownIntegers integers = Infer(model);
  onnx::ModelProto work = model;
  KnownIntegers found = integers;
  ValueTypes types;
  CollectTypes(work.graph(), types);
  for (int round = 0; round < kMostRounds && FoldKnown(found, types, *work.mutable_graph());
       round++) {
    found = Infer(work);
    integers.insert(found.begin(), found.end());
    CollectTypes(work.graph(), types);
  }
  onnx::GraphProto& graph = *model.mutable_graph();
  for (onnx::ValueInfoProto& output : *graph.mutable_output()) {
    const auto type = types.find(output.name());
    if (type != types.end()) *output.mutable_type() = type->second;
    types.erase(output.name());
  }
  graph.clear_value_info();
  for (const auto& [name, type] : types) {
    onnx::ValueInfoProto& value = *graph.add_value_info();
    value.set_name(name);
    *value.mutable_type() = type;
  }
  return integers;
}

}  // namespace halyard
