#include "schedules/onnx/network.h"

#include "schedules/onnx/findings.h"
#include "schedules/onnx/model_file.h"

namespace halyard {

absl::StatusOr<Network> ReadNetwork(const std::string& path, const OpenDimensions& dimensions) {
  auto model = ReadModelFile(path);
  if (!model.ok()) return model.status();
  const auto shaped = InferModelShapes(path, *std::move(model), dimensions);
  if (!shaped.ok()) return shaped.status();
  const OnnxGraph graph(*shaped);
  Findings findings(graph);
  FindAttention(graph, findings);
  FindProducts(graph, findings);
  FindSoftmax(graph, findings);
  FindRest(graph, findings);
  return findings.Result();
}

}  // namespace halyard
