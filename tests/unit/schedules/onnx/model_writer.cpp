#include "tests/unit/schedules/onnx/model_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

namespace halyard {

namespace fs = std::filesystem;
using onnx::TensorProto;

ModelWriter::ModelWriter(int64_t opset) {
  model.set_ir_version(8);
  model.mutable_graph()->set_name("network");
  model.add_opset_import()->set_version(opset);
}

std::string ModelWriter::Fresh(const std::string& what) {
  return what + "_" + std::to_string(values_++);
}

std::string ModelWriter::Input(const std::string& name, const Dims& dims,
                               TensorProto::DataType type) {
  onnx::ValueInfoProto& input = *model.mutable_graph()->add_input();
  input.set_name(name);
  auto& tensor = *input.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type);
  tensor.mutable_shape();
  for (const int64_t d : dims) tensor.mutable_shape()->add_dim()->set_dim_value(d);
  return name;
}

TensorProto& ModelWriter::Initialiser(const Dims& dims, TensorProto::DataType type) {
  TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(Fresh("constant"));
  tensor.set_data_type(type);
  for (const int64_t d : dims) tensor.add_dims(d);
  return tensor;
}

std::string ModelWriter::Weight(const Dims& dims) {
  TensorProto& tensor = Initialiser(dims, TensorProto::FLOAT);
  tensor.set_data_location(TensorProto::EXTERNAL);
  onnx::StringStringEntryProto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value("weights.bin");
  return tensor.name();
}

std::string ModelWriter::Tensor(const Dims& dims, const std::vector<float>& values) {
  TensorProto& tensor = Initialiser(dims, TensorProto::FLOAT);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return tensor.name();
}

std::string ModelWriter::Integers(const Dims& values) {
  TensorProto& tensor = Initialiser({static_cast<int64_t>(values.size())}, TensorProto::INT64);
  for (const int64_t v : values) tensor.add_int64_data(v);
  return tensor.name();
}

std::string ModelWriter::Integer(int64_t value) {
  TensorProto& tensor = Initialiser({}, TensorProto::INT64);
  tensor.add_int64_data(value);
  return tensor.name();
}

std::string ModelWriter::Booleans(const Dims& dims, const std::vector<bool>& values) {
  TensorProto& tensor = Initialiser(dims, TensorProto::BOOL);
  for (const bool v : values) tensor.add_int32_data(v ? 1 : 0);
  return tensor.name();
}

std::string ModelWriter::Node(const std::string& op, const std::vector<std::string>& inputs,
                              const Attributes& attributes, const std::string& domain) {
  onnx::NodeProto& node = *model.mutable_graph()->add_node();
  node.set_op_type(op);
  node.set_domain(domain);
  node.set_name(Fresh(op));
  for (const std::string& input : inputs) node.add_input(input);
  for (const onnx::AttributeProto& a : attributes) *node.add_attribute() = a;
  node.add_output(node.name() + "_out");
  return node.output(0);
}

void ModelWriter::Output(const std::string& value, TensorProto::DataType type) {
  onnx::ValueInfoProto& output = *model.mutable_graph()->add_output();
  output.set_name(value);
  output.mutable_type()->mutable_tensor_type()->set_elem_type(type);
}

std::string ModelWriter::Dense(const std::string& x, int64_t in, int64_t out) {
  return Node("Add", {Weight({out}), Node("MatMul", {x, Weight({in, out})})});
}

std::string ModelWriter::Gelu(const std::string& x) {
  const std::string erf = Node("Erf", {Node("Div", {x, Scalar(std::sqrt(2.0f))})});
  return Node("Mul", {Node("Mul", {x, Node("Add", {erf, Scalar(1)})}), Scalar(0.5f)});
}

ModelFolder::ModelFolder() {
  std::string folder = (fs::temp_directory_path() / "halyard-onnx-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) ADD_FAILURE() << "no folder for models";
  folder_ = folder;
}

ModelFolder::~ModelFolder() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

std::string ModelFolder::Write(const onnx::ModelProto& model) const {
  std::ofstream file(folder_ / "net.onnx", std::ios::binary);
  EXPECT_TRUE(model.SerializeToOstream(&file));
  return folder_ / "net.onnx";
}

absl::StatusOr<Network> ReadBack(const ModelWriter& writer, const OpenDimensions& dimensions) {
  const ModelFolder folder;
  return ReadNetwork(folder.Write(writer.model), dimensions);
}

std::map<std::string, int> TasksOf(const Network& network) {
  std::map<std::string, int> tasks;
  for (const ListedWorkload& task : network.tasks) tasks[task.workload.ToText()] += task.count;
  return tasks;
}

std::map<std::string, int> TasksOf(const ModelWriter& writer, const OpenDimensions& dimensions) {
  const auto network = ReadBack(writer, dimensions);
  EXPECT_TRUE(network.ok()) << network.status();
  return network.ok() ? TasksOf(*network) : std::map<std::string, int>{};
}

std::string ReasonFor(const ModelWriter& writer, const std::string& op) {
  const auto network = ReadBack(writer);
  EXPECT_TRUE(network.ok()) << network.status();
  std::string reason;
  int groups = 0;
  for (const NotCovered& left : network.ok() ? network->not_covered : std::vector<NotCovered>{}) {
    if (left.op != op) continue;
    reason = left.reason;
    groups++;
  }
  EXPECT_LE(groups, 1) << op;
  return reason;
}

}  // namespace halyard
