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
//
// Arithmetic, 16 scores of depth D on AVX-512: D FMAs for Q K and D for times-V (lanes along D
// round it up to vectors: 48 for 40), and some 14 micro-ops on the same two ports: maximum 1,
// exponential 12 (exp2.h), sum 1. With products at the micro-kernel's 86 % of the peak
// (blocked_matmul.cpp): 58 cycles for D = 40, 40 of them FLOPs that count: 69 % of the peak; 81 for
// D = 64: 79 %. Reached on that machine: 16x4096x40 52 %, 12x128x64 58 %. Keys in a panel: 16 D of
// K and D of V, 4 bytes each, L1 or L2 by the block; a block's scores in L1 or L2.
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
