#include "schedules/onnx/model_shapes.h"

#include <onnx/checker.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "schedules/onnx/fixed_shapes.h"
#include "schedules/onnx/tensors.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

// Shapes, axes and scalars are smaller; weights are larger, and their values are not wanted.
constexpr int64_t kMostReadElements = 4096;

absl::Status InvalidShape(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(fmt::format("'{}': {}", path, what));
}

// The library's messages have several lines.
std::string OneLine(const std::string& message) {
  return absl::StrJoin(absl::StrSplit(message, absl::ByAnyChar("\r\n\t "), absl::SkipEmpty()), " ");
}

absl::Status CheckTensor(const std::string& path, const onnx::TensorProto& tensor) {
  const auto elements = ElementsOf(tensor);
  if (!elements) {
    return InvalidShape(path,
                        fmt::format("initialiser '{}' has dimensions that are no sizes; export "
                                    "the model again",
                                    tensor.name()));
  }
  const int64_t bytes = ElementBytes(tensor.data_type());
  const auto found = static_cast<int64_t>(tensor.raw_data().size());
  if (IsExternal(tensor) || !tensor.has_raw_data() || bytes == 0 || found == *elements * bytes) {
    return absl::OkStatus();
  }
  return InvalidShape(path,
                      fmt::format("initialiser '{}' has {} bytes where its dimensions say {}; "
                                  "export the model again",
                                  tensor.name(), found, *elements * bytes));
}

// The values of a small tensor in a file beside the model; false where they are not to be had.
bool ReadExternal(const fs::path& folder, onnx::TensorProto& tensor) {
  std::string location;
  int64_t offset = 0;
  for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = std::strtoll(entry.value().c_str(), nullptr, 10);
  }
  // As the format has it: relative, and below the model's folder.
  const fs::path relative = fs::path(location).lexically_normal();
  if (location.empty() || relative.is_absolute() || *relative.begin() == "..") return false;
  const int64_t bytes = ElementsOf(tensor).value_or(0) * ElementBytes(tensor.data_type());
  std::ifstream file(folder / relative, std::ios::binary);
  std::string data(static_cast<size_t>(bytes), '\0');
  if (!file || offset < 0 || !file.seekg(offset) || !file.read(data.data(), bytes)) return false;
  tensor.set_raw_data(std::move(data));
  tensor.clear_external_data();
  tensor.clear_data_location();
  return true;
}

// What shapes are made of.
bool IsInteger(int32_t type) {
  return type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32;
}

// An external initialiser's dimensions are all that shapes need: it becomes an input of the graph,
// so that neither checker nor inference asks for its file. The small ones are read where they can.
void MoveExternal(const fs::path& folder, ShapedModel& shaped) {
  onnx::GraphProto& graph = *shaped.model.mutable_graph();
  std::set<std::string> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) inputs.insert(input.name());
  google::protobuf::RepeatedPtrField<onnx::TensorProto> kept;
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
    const bool small = ElementsOf(tensor).value_or(0) <= kMostReadElements;
    if (!IsExternal(tensor) || (small && ReadExternal(folder, tensor))) {
      kept.Add(std::move(tensor));
      continue;
    }
    shaped.external.insert(tensor.name());
    if (small && IsInteger(tensor.data_type())) shaped.missing.insert(tensor.name());
    if (inputs.count(tensor.name()) != 0) continue;
    onnx::ValueInfoProto& input = *graph.add_input();
    input.set_name(tensor.name());
    input.mutable_type()->mutable_tensor_type()->set_elem_type(tensor.data_type());
    auto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (const int64_t d : tensor.dims()) shape.add_dim()->set_dim_value(d);
  }
  graph.mutable_initializer()->Swap(&kept);
}

// Inference divides by these without looking.
absl::Status CheckAttributes(const std::string& path, const onnx::GraphProto& graph) {
  for (const onnx::NodeProto& node : graph.node()) {
    for (const onnx::AttributeProto& a : node.attribute()) {
      if (a.has_g()) {
        if (auto s = CheckAttributes(path, a.g()); !s.ok()) return s;
      }
      std::vector<int64_t> values;
      if (a.name() == "strides" || a.name() == "dilations" || a.name() == "kernel_shape") {
        values.assign(a.ints().begin(), a.ints().end());
      }
      if (a.name() == "group" || a.name() == "blocksize") values = {a.i()};
      for (const int64_t value : values) {
        if (value >= 1 && value <= (int64_t{1} << 31)) continue;
        return InvalidShape(path,
                            fmt::format("{} '{}' has {} in {}; it is from 1 on: export it again",
                                        node.op_type(), node.name(), value, a.name()));
      }
    }
  }
  return absl::OkStatus();
}

// ONNX's checker wants a shape of each output, which inference finds without: an empty one is put
// in its place meanwhile.
void CheckModel(onnx::ModelProto& model) {
  std::vector<onnx::TypeProto::Tensor*> without;
  for (onnx::ValueInfoProto& output : *model.mutable_graph()->mutable_output()) {
    if (output.type().has_tensor_type() && !output.type().tensor_type().has_shape()) {
      without.push_back(output.mutable_type()->mutable_tensor_type());
      without.back()->mutable_shape();
    }
  }
  onnx::checker::check_model(model);
  for (onnx::TypeProto::Tensor* output : without) output->clear_shape();
}

bool IsKnown(const onnx::TypeProto& type) {
  if (!type.has_tensor_type()) return true;
  if (!type.tensor_type().has_shape()) return false;
  for (const auto& d : type.tensor_type().shape().dim()) {
    if (!d.has_dim_value()) return false;
  }
  return true;
}

// Where an unknown shape comes of values that are missing: the initialiser that it needs.
absl::Status CheckMissing(const std::string& path, const ShapedModel& shaped) {
  if (shaped.missing.empty()) return absl::OkStatus();
  const onnx::GraphProto& graph = shaped.model.graph();
  std::set<std::string> known, integers;
  for (const auto* values : {&graph.value_info(), &graph.output()}) {
    for (const onnx::ValueInfoProto& value : *values) {
      if (IsKnown(value.type())) known.insert(value.name());
      if (IsInteger(value.type().tensor_type().elem_type())) integers.insert(value.name());
    }
  }
  std::unordered_map<std::string, std::string> comes_of;  // value -> missing initialiser
  for (const std::string& name : shaped.missing) comes_of[name] = name;
  for (const onnx::NodeProto& node : graph.node()) {
    std::string cause;
    for (const std::string& input : node.input()) {
      if (const auto found = comes_of.find(input); found != comes_of.end()) cause = found->second;
    }
    if (cause.empty()) continue;
    for (const std::string& output : node.output()) {
      if (output.empty()) continue;
      if (known.count(output) == 0) {
        return InvalidShape(path,
                            fmt::format("the shape of '{}' depends on the values of '{}', whose "
                                        "external data file is not there; put it beside the model",
                                        output, cause));
      }
      if (integers.count(output) != 0) comes_of.emplace(output, cause);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ShapedModel> InferModelShapes(const std::string& path, onnx::ModelProto model,
                                             const OpenDimensions& dimensions) {
  ShapedModel shaped{std::move(model), {}, {}, {}};
  onnx::GraphProto& graph = *shaped.model.mutable_graph();
  std::set<std::string> initialisers;
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (auto s = CheckTensor(path, tensor); !s.ok()) return s;
    initialisers.insert(tensor.name());
  }
  if (auto s = FixDimensions(path, dimensions, initialisers, graph); !s.ok()) return s;
  if (auto s = CheckAcyclic(path, graph); !s.ok()) return s;
  if (auto s = CheckAttributes(path, graph); !s.ok()) return s;
  MoveExternal(fs::path(path).parent_path(), shaped);
  try {
    CheckModel(shaped.model);
    shaped.integers = InferFixedShapes(shaped.model);
  } catch (const std::exception& e) {
    return InvalidShape(path, "is no valid ONNX model: " + OneLine(e.what()));
  }
  if (auto s = CheckMissing(path, shaped); !s.ok()) return s;
  return shaped;
}

}  // namespace halyard
