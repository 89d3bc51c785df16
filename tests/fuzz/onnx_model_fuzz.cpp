// Networks in ONNX files: graphs of operators, shapes and attributes that a person would hardly put
// together, some with a byte turned over in the file.
#include <onnx/defs/attr_proto_util.h>
#include <onnx/onnx_pb.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "schedules/onnx/network.h"
#include "tests/fuzz/fuzz_input.h"

namespace halyard {
namespace {

using onnx::TensorProto;

class ModelMaker {
 public:
  explicit ModelMaker(FuzzInput& in) : in_(in) {}

  onnx::ModelProto Make() {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(static_cast<int64_t>(7 + in_.Below(12)));
    for (size_t i = 0, inputs = 1 + in_.Below(3); i < inputs; i++) AddInput();
    for (size_t i = 0, tensors = in_.Below(4); i < tensors; i++) AddInitialiser();
    for (size_t i = 0, nodes = 1 + in_.Below(12); i < nodes; i++) AddNode();
    onnx::ValueInfoProto& output = *model_.mutable_graph()->add_output();
    output.set_name(values_.back());
    output.mutable_type()->mutable_tensor_type()->set_elem_type(TensorProto::FLOAT);
    model_.mutable_graph()->set_name("fuzz");
    return model_;
  }

 private:
  std::string Fresh() {
    values_.push_back("v" + std::to_string(values_.size()));
    return values_.back();
  }
  int64_t Size() {
    return in_.OneIn(40) ? static_cast<int64_t>(in_.Integer()) : 1 + in_.Byte() % 8;
  }
  int32_t Type() { return in_.OneIn(12) ? in_.Byte() % 18 : TensorProto::FLOAT; }

  void AddInput() {
    onnx::ValueInfoProto& input = *model_.mutable_graph()->add_input();
    auto& tensor = *input.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(Type());
    for (size_t i = 0, rank = in_.Below(6); i < rank; i++) {
      auto& d = *tensor.mutable_shape()->add_dim();
      if (in_.OneIn(10)) {
        d.set_dim_param("open");
      } else {
        d.set_dim_value(Size());
      }
    }
    if (!in_.OneIn(20)) tensor.mutable_shape();
    input.set_name(Fresh());
  }

  void AddInitialiser() {
    TensorProto& tensor = *model_.mutable_graph()->add_initializer();
    tensor.set_data_type(in_.Flip() ? int32_t{TensorProto::INT64} : Type());
    int64_t elements = 1;
    for (size_t i = 0, rank = in_.Below(5); i < rank; i++) {
      tensor.add_dims(Size());
      elements = std::min<int64_t>(
          64, elements *
                  std::max<int64_t>(0, std::min<int64_t>(64, tensor.dims(tensor.dims_size() - 1))));
    }
    if (in_.OneIn(6)) {
      tensor.set_data_location(TensorProto::EXTERNAL);
      tensor.add_external_data()->set_key("location");
      tensor.mutable_external_data(0)->set_value(in_.Text(8));
    } else if (tensor.data_type() == TensorProto::INT64) {
      for (int64_t i = 0; i < elements; i++) tensor.add_int64_data(SmallOrNot());
    } else {
      tensor.set_raw_data(in_.Bytes(static_cast<size_t>(elements) * 4));
    }
    tensor.set_name(Fresh());
  }

  int64_t SmallOrNot() {
    return in_.OneIn(30) ? static_cast<int64_t>(in_.Integer()) : int64_t{in_.Byte()} % 8 - 2;
  }

  void AddNode() {
    static const std::vector<std::string> ops = {
        "MatMul",   "Gemm",        "Conv",          "Softmax",
        "Add",      "Mul",         "Div",           "Relu",
        "Clip",     "Transpose",   "Reshape",       "Unsqueeze",
        "Squeeze",  "Slice",       "Concat",        "Gather",
        "Shape",    "Cast",        "Split",         "Where",
        "Identity", "Flatten",     "MaxPool",       "Pad",
        "Expand",   "Resize",      "Erf",           "BatchNormalization",
        "Dropout",  "Sqrt",        "Pow",           "Tile",
        "Constant", "ReduceMean",  "ConvTranspose", "DepthToSpace",
        "LSTM",     "AveragePool", "OneHot",        "Range",
        "TopK",     "Einsum"};
    onnx::NodeProto& node = *model_.mutable_graph()->add_node();
    node.set_op_type(in_.Pick(ops));
    for (size_t i = 0, inputs = in_.Below(6); i < inputs; i++) {
      node.add_input(in_.OneIn(30) ? "" : in_.Pick(values_));
    }
    for (size_t i = 0, attributes = in_.Below(4); i < attributes; i++) AddAttribute(node);
    for (size_t i = 0, outputs = 1 + (in_.OneIn(6) ? in_.Below(3) : 0); i < outputs; i++) {
      node.add_output(in_.OneIn(40) ? in_.Pick(values_) : Fresh());
    }
  }

  void AddAttribute(onnx::NodeProto& node) {
    static const std::vector<std::string> lists = {
        "strides", "pads", "dilations", "kernel_shape", "perm", "axes", "split", "output_padding"};
    static const std::vector<std::string> numbers = {
        "axis",     "group",     "transA",    "transB",    "to",
        "keepdims", "num_heads", "blocksize", "ceil_mode", "hidden_size"};
    if (in_.Flip()) {
      std::vector<int64_t> values;
      for (size_t i = 0, size = in_.Below(6); i < size; i++) values.push_back(SmallOrNot());
      *node.add_attribute() = onnx::MakeAttribute(in_.Pick(lists), values);
    } else if (in_.OneIn(4)) {
      *node.add_attribute() =
          onnx::MakeAttribute(in_.Flip() ? "auto_pad" : "equation",
                              in_.Flip() ? std::string("SAME_UPPER") : in_.Text(8));
    } else {
      *node.add_attribute() = onnx::MakeAttribute(in_.Pick(numbers), SmallOrNot());
    }
  }

  FuzzInput& in_;
  onnx::ModelProto model_;
  std::vector<std::string> values_;
};

// Goes with the program.
class Scratch {
 public:
  Scratch()
      : folder_(std::filesystem::temp_directory_path() /
                ("onnx-fuzz-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  std::string file() const { return folder_ / "net.onnx"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halyard;
  FuzzInput in(data, size);
  const bool damaged = in.OneIn(4);
  const size_t at = in.Byte() * size_t{256} + in.Byte();
  const uint8_t flipped = in.Byte();
  std::string bytes = ModelMaker(in).Make().SerializeAsString();
  if (damaged) bytes[at % bytes.size()] = static_cast<char>(flipped);
  static const Scratch scratch;
  const std::string path = scratch.file();
  std::ofstream(path, std::ios::binary) << bytes;

  const auto network = ReadNetwork(path, {2, {}});
  const auto fixed = network.ok() ? network : ReadNetwork(path, {});
  std::filesystem::remove(path);
  if (!fixed.ok()) {
    Require(absl::IsInvalidArgument(fixed.status()), "a bad model is the model's fault");
    Require(fixed.status().message().find('\n') == std::string_view::npos, "in one line");
    return 0;
  }
  int left = 0, calls = 0;
  for (const NotCovered& group : fixed->not_covered) left += group.nodes;
  for (const ListedWorkload& task : fixed->tasks) calls += task.count;
  Require(fixed->covered_nodes + fixed->free_nodes + left == fixed->nodes, "every node is counted");
  Require(calls <= fixed->covered_nodes, "a call covers a node");
  return 0;
}
