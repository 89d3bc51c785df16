// The dimensions of a graph's inputs that its file leaves open.

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "schedules/onnx/model_shapes.h"

namespace halyard {
namespace {

using onnx::TensorShapeProto;

bool IsOpen(const TensorShapeProto::Dimension& d) {
  return !d.has_dim_value() || d.dim_value() < 1;  // some exporters write 0 or -1
}

class Fixer {
 public:
  Fixer(const std::string& path, const OpenDimensions& given)
      : path_(path), given_(given), by_param_(given.by_name) {}

  absl::Status Fix(const std::set<std::string>& initialisers, onnx::GraphProto& graph) {
    std::vector<onnx::ValueInfoProto*> inputs;
    for (onnx::ValueInfoProto& input : *graph.mutable_input()) {
      if (initialisers.count(input.name()) == 0 && input.type().has_tensor_type()) {
        inputs.push_back(&input);
      }
    }
    for (const onnx::ValueInfoProto* input : inputs) NameBatch(*input);
    for (onnx::ValueInfoProto* input : inputs) {
      if (auto s = FixInput(*input); !s.ok()) return s;
    }
    if (auto s = CheckAllUsed(); !s.ok()) return s;
    // The same names stand in what the exporter wrote of other values.
    for (onnx::ValueInfoProto& output : *graph.mutable_output()) Substitute(output);
    for (onnx::ValueInfoProto& value : *graph.mutable_value_info()) Substitute(value);
    return absl::OkStatus();
  }

 private:
  static std::string PlaceOf(const onnx::ValueInfoProto& input, int i) {
    return fmt::format("{}:{}", input.name(), i);
  }

  // --batch also fixes other dimensions of the batch's name, unless --dim does.
  void NameBatch(const onnx::ValueInfoProto& input) {
    const TensorShapeProto& shape = input.type().tensor_type().shape();
    if (!given_.batch || shape.dim_size() == 0 || !IsOpen(shape.dim(0))) return;
    batch_used_ = true;
    const std::string& param = shape.dim(0).dim_param();
    if (!param.empty()) by_param_.emplace(param, *given_.batch);
  }

  std::optional<int64_t> SizeOf(const onnx::ValueInfoProto& input, int i) {
    const std::string& param = input.type().tensor_type().shape().dim(i).dim_param();
    for (const std::string& name : {PlaceOf(input, i), param}) {
      const auto found = by_param_.find(name);
      if (name.empty() || found == by_param_.end()) continue;
      used_.insert(name);
      return found->second;
    }
    return i == 0 ? given_.batch : std::nullopt;
  }

  absl::Status FixInput(onnx::ValueInfoProto& input) {
    if (!input.type().tensor_type().has_shape()) {
      return absl::InvalidArgumentError(
          fmt::format("'{}': input '{}' has no shape; export it with one", path_, input.name()));
    }
    TensorShapeProto& shape = *input.mutable_type()->mutable_tensor_type()->mutable_shape();
    for (int i = 0; i < shape.dim_size(); i++) {
      if (!IsOpen(shape.dim(i))) continue;
      const std::string param = shape.dim(i).dim_param();
      const std::string name = param.empty() ? PlaceOf(input, i) : param;
      open_.insert(name);
      const auto size = SizeOf(input, i);
      if (!size) {
        return absl::InvalidArgumentError(
            fmt::format("'{}': dimension {} of input '{}' is open{}; give {}--dim {}=N", path_, i,
                        input.name(), param.empty() ? "" : fmt::format(" ('{}')", param),
                        i == 0 ? "--batch N or " : "", name));
      }
      shape.mutable_dim(i)->set_dim_value(*size);
    }
    return absl::OkStatus();
  }

  absl::Status CheckAllUsed() const {
    if (given_.batch && !batch_used_) {
      return absl::InvalidArgumentError(fmt::format(
          "--batch {}: '{}' leaves dimension 0 of no input open; leave --batch out, or export it "
          "with an open batch",
          *given_.batch, path_));
    }
    for (const auto& [name, size] : given_.by_name) {
      if (used_.count(name) != 0) continue;
      return absl::InvalidArgumentError(
          fmt::format("--dim {}={}: '{}' has no open dimension of that name; {}", name, size, path_,
                      open_.empty() ? "leave --dim out" : "it has " + absl::StrJoin(open_, ", ")));
    }
    return absl::OkStatus();
  }

  void Substitute(onnx::ValueInfoProto& value) const {
    if (!value.type().has_tensor_type() || !value.type().tensor_type().has_shape()) return;
    for (auto& d : *value.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim()) {
      const auto found = by_param_.find(d.dim_param());
      if (d.has_dim_value()) {
        if (d.dim_value() < 1) d.clear_dim_value();
      } else if (!d.dim_param().empty() && found != by_param_.end()) {
        d.set_dim_value(found->second);
      }
    }
  }

  const std::string& path_;
  const OpenDimensions& given_;
  std::map<std::string, int64_t> by_param_;
  std::set<std::string> used_, open_;
  bool batch_used_ = false;
};

}  // namespace

absl::Status FixDimensions(const std::string& path, const OpenDimensions& dimensions,
                           const std::set<std::string>& initialisers, onnx::GraphProto& graph) {
  return Fixer(path, dimensions).Fix(initialisers, graph);
}

}  // namespace halyard
