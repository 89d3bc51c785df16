#include "schedules/onnx/model_file.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <onnx/defs/schema.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "fmt/format.h"

namespace halyard {
namespace {

namespace fs = std::filesystem;

// Protobuf counts bytes in an int; larger networks keep their weights in files of their own.
constexpr uintmax_t kMostBytes = std::numeric_limits<int>::max();
// Messages inside one another: three a subgraph (graph, node, attribute), and a tensor's in the
// last.
constexpr int kDeepestMessage = 3 * 100;

absl::Status Invalid(const std::string& path, const std::string& what) {
  return absl::InvalidArgumentError(fmt::format("'{}' {}", path, what));
}

int DepthOf(const onnx::GraphProto& graph) {
  int deepest = 0;
  for (const onnx::NodeProto& node : graph.node()) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) deepest = std::max(deepest, 1 + DepthOf(attribute.g()));
      for (const onnx::GraphProto& g : attribute.graphs()) {
        deepest = std::max(deepest, 1 + DepthOf(g));
      }
    }
  }
  return deepest;
}

absl::Status CheckVersions(const std::string& path, const onnx::ModelProto& model) {
  if (model.ir_version() > onnx::IR_VERSION) {
    return Invalid(path, fmt::format("has ONNX IR version {}; this program knows up to {}: export "
                                     "it with an older opset",
                                     model.ir_version(), int64_t{onnx::IR_VERSION}));
  }
  const int64_t opset = OpsetOf(model);
  const int64_t newest =
      onnx::OpSchemaRegistry::DomainToVersionRange::Instance().LastReleaseVersionMap().at("");
  if (opset == 0) {
    return Invalid(path,
                   "imports no opset of ONNX: it is cut short, or no model; copy or export it "
                   "again");
  }
  if (opset < kOldestOpset || opset > newest) {
    return Invalid(path,
                   fmt::format("has opset {}; this program knows {} to {}: export it with one of "
                               "these (opset_version={})",
                               opset, kOldestOpset, newest, newest));
  }
  return absl::OkStatus();
}

}  // namespace

int64_t OpsetOf(const onnx::ModelProto& model) {
  for (const onnx::OperatorSetIdProto& opset : model.opset_import()) {
    if (opset.domain().empty() || opset.domain() == "ai.onnx") return opset.version();
  }
  return 0;
}

absl::StatusOr<onnx::ModelProto> ReadModelFile(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    return absl::NotFoundError(fmt::format("'{}' is not there; give an ONNX file", path));
  }
  if (!fs::is_regular_file(path, error)) return Invalid(path, "is no file; give an ONNX file");
  const uintmax_t bytes = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return Invalid(path, "cannot be read; give an ONNX file that can");
  if (bytes == 0) return Invalid(path, "is empty; export or copy the model again");
  if (bytes > kMostBytes) {
    return Invalid(path,
                   fmt::format("has {} bytes, and protobuf reads up to {}; export it with its "
                               "weights in a file of their own (external data)",
                               bytes, kMostBytes));
  }
  google::protobuf::io::IstreamInputStream stream(&file);
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  coded.SetRecursionLimit(kDeepestMessage);
  onnx::ModelProto model;
  if (!model.ParseFromCodedStream(&coded) || !coded.ConsumedEntireMessage()) {
    return Invalid(path,
                   "is not a whole ONNX model: cut short, damaged, or of another format; copy or "
                   "export it again");
  }
  if (!model.has_graph() || model.graph().node().empty()) {
    return Invalid(path,
                   "has no graph: it is cut short, or no ONNX model; copy or export it again");
  }
  if (DepthOf(model.graph()) > kDeepestSubgraph) {
    return Invalid(path, fmt::format("has graphs {} deep inside one another; up to {} are read",
                                     DepthOf(model.graph()), kDeepestSubgraph));
  }
  if (auto s = CheckVersions(path, model); !s.ok()) return s;
  return model;
}

}  // namespace halyard
