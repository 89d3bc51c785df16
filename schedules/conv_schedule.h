// The schedule space of conv2d and how a config is applied.
//
// Three forms: `direct` slides a register tile of output pixels x channel vectors over the
// (optionally copied and padded) input; `im2col` copies the receptive fields of a tile of pixels
// into rows of a matrix and runs the blocked product of blocked_matmul.h on it. A 1x1 convolution
// without padding or stride needs no copy: its input is that matrix already. Nor does any without
// padding (pack_a=none, the indirect form): a row's address is worked out once a tap. `winograd` is
// in winograd.h.
//
// Arithmetic: the product's micro-kernel is in blocked_matmul.cpp; the direct form's is the same
// with pixels of a row as its rows. Depthwise has one FMA an input vector and tap: 7 pixels of a
// row under a 3x3 kernel are 63 FMAs (32 cycles on two ports) on 27 input vectors, shared by
// neighbouring pixels in registers, and 9 weights: 36 loads (18 cycles). Each output vector is 9
// FMAs for at least 64 bytes in and 64 out: the FMAs of 112x112x32 are 15 us on two cores; it takes
// 35 and moves 3.2 MB, so caches bind it.
#pragma once

#include "schedules/epilogue.h"
#include "schedules/operator.h"

namespace halyard {

struct ConvSizes {
  int64_t n, h, w, ci, co, kh, kw, stride, pad, dilation, groups;
  bool weights_ahead;  // laid out, or transformed, ahead of the calls
  Epilogue epilogue;
  int64_t oh() const { return (h + 2 * pad - ((kh - 1) * dilation + 1)) / stride + 1; }
  int64_t ow() const { return (w + 2 * pad - ((kw - 1) * dilation + 1)) / stride + 1; }
  int64_t ci_group() const { return ci / groups; }
  int64_t co_group() const { return co / groups; }
  // One channel in, one out: vectors then run along groups.
  bool depthwise() const { return groups > 1 && co_group() == 1 && ci_group() == 1; }
  bool input_is_matrix() const {
    return kh == 1 && kw == 1 && pad == 0 && stride == 1 && groups == 1;
  }
};

SpaceDefinition ConvSpace(const ConvSizes& sizes, const Device& device);

// REQUIRES: the config is valid in ConvSpace(sizes, device) for some device.
// The weights are input 1, what the epilogue reads follows.
Lowered ScheduleConv(const ConvSizes& sizes, const ConfigView& view);

}  // namespace halyard
