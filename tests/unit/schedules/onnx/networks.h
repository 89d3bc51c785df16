// Networks with the layers of their papers, written by loops as exporters write them. Weights are
// external, so that a file has some hundred KB.
#pragma once

#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {

// BatchNormalization folded into the convolutions; Clip to [0, 6]; Softmax at the end.
ModelWriter MobileNetV2();
// BatchNormalization as nodes; v1.5, with the stride in the 3x3 convolutions.
ModelWriter ResNet50();
// Batch and sequence open, heads reshaped by shapes that are computed from these. With the runtime
// mask that hides padding, or without.
ModelWriter BertBase(bool mask);

}  // namespace halyard
