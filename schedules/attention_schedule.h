// The schedule space of attention and how a config is applied.
//
// Three forms, after the software-mapping practice of pipelining an attention layer:
//   unfused    scores, weights and times-V are whole tensors, one pass after the other;
//   pipelined  a block of m query rows goes through all three while it is in cache;
//   chunked    within the block, keys are taken l at a time: each chunk's scores, maximum, weights,
//              sum and times-V stay in L1, and a small combine rescales the chunks' partial results
//              (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
// and two layouts: vector lanes along keys (then depth), or along queries, where K and V are read
// as broadcasts, nothing is transposed but Q, no lane is wasted whatever the depth, and maxima and
// sums need no horizontal step.
#pragma once

#include <Halide.h>

#include "schedules/schedule_space.h"
#include "targets/device.h"

namespace halyard {

struct AttentionSizes {
  int64_t heads, queries, keys, depth;
  bool causal;
};

SpaceDefinition AttentionSpace(const AttentionSizes& sizes, const Device& device);

// REQUIRES: the config is valid in AttentionSpace(sizes, device) for some device.
Halide::Func ScheduleAttention(Halide::ImageParam q, Halide::ImageParam k, Halide::ImageParam v,
                               const AttentionSizes& sizes, const ConfigView& view);

}  // namespace halyard
