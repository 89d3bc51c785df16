#include "schedules/onnx/attention_mask.h"

#include <algorithm>

namespace halyard {
namespace {

// Exporters write -10000, the lowest float or minus infinity; e^-10000 is 0 in f32.
constexpr double kHidden = -1e4;

// `seen` is of `shape`, which ends in queries x keys, or all keys are seen.
Mask KindOf(const std::vector<bool>& seen, const Sizes& shape, int64_t queries, int64_t keys) {
  if (std::all_of(seen.begin(), seen.end(), [](bool s) { return s; })) return Mask::kNone;
  const auto rank = static_cast<int64_t>(shape.size());
  if (rank < 2 || shape[rank - 2] != queries || shape[rank - 1] != keys) return Mask::kOther;
  for (size_t i = 0; i < seen.size(); i++) {
    const int64_t at = static_cast<int64_t>(i) % (queries * keys);
    if (seen[i] != (at % keys <= at / keys + keys - queries)) return Mask::kOther;
  }
  return Mask::kCausal;
}

}  // namespace

Mask AddedMask(const OnnxGraph& graph, const std::string& mask, int64_t queries, int64_t keys) {
  const auto values = graph.Values(mask);
  const auto shape = graph.Shape(mask);
  if (!values || !shape) return Mask::kOther;
  std::vector<bool> seen;
  for (const double v : *values) {
    if (v != 0 && !(v <= kHidden)) return Mask::kOther;
    seen.push_back(v == 0);
  }
  return KindOf(seen, *shape, queries, keys);
}

Mask SelectedMask(const OnnxGraph& graph, const std::string& condition,
                  const std::string& otherwise, bool seen_where_true, int64_t queries,
                  int64_t keys) {
  const auto values = graph.Values(condition);
  const auto shape = graph.Shape(condition);
  const auto hidden = graph.Scalar(otherwise);
  if (!values || !shape || !hidden || !(*hidden <= kHidden)) return Mask::kOther;
  std::vector<bool> seen;
  for (const double v : *values) seen.push_back((v != 0) == seen_where_true);
  return KindOf(seen, *shape, queries, keys);
}

}  // namespace halyard
