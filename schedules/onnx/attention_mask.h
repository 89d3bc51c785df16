// Which keys a query of an attention pattern sees.
#pragma once

#include "schedules/onnx/onnx_graph.h"

namespace halyard {

enum class Mask {
  kNone,    // every key
  kCausal,  // query i sees keys up to i + keys - queries
  kOther,   // what the operator has no attribute for, or is not known before the call
};

// Of Add(scores, mask): 0 where a key is seen, -1e4 or less where not.
Mask AddedMask(const OnnxGraph& graph, const std::string& mask, int64_t queries, int64_t keys);

// Of Where(condition, scores, otherwise), or Where(condition, otherwise, scores) where not
// `seen_where_true`.
Mask SelectedMask(const OnnxGraph& graph, const std::string& condition,
                  const std::string& otherwise, bool seen_where_true, int64_t queries,
                  int64_t keys);

}  // namespace halyard
