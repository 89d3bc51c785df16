// Winograd convolution, F(m x m, 3x3) for m = 2 and 4: an output tile of m x m from (m + 2)^2
// products a channel where the direct form takes 9 m^2, so 2.25 (m = 2) or 4 (m = 4) times fewer.
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016. For kernels of
// 3x3, stride 1, no dilation, no groups.
//
// Rounding: the transforms multiply inputs by up to 5 and weights by down to 1/24 (m = 2: 1 and
// 1/4), and terms cancel. Largest differences from the reference over whole outputs, in shares of
// conv2d's tolerance, which grows with the channels while an error grows with their square root: m
// = 4, 24 channels 0.52; m = 2 and the direct form below 0.25. So m = 4 is for 16 channels and
// more.
#pragma once

#include <string>

#include "schedules/conv_schedule.h"

namespace halyard {

bool WinogradApplies(const ConvSizes& sizes);

// Knobs read: vec, reg_m and reg_y (register tile in output tiles along x and y), reg_n (in vectors
// of output channels), unroll_k, rows (rows of output tiles a task), order (m_outer: a task is
// rows of tiles, n_outer: a panel of output channels), winograd (m).
std::string WhyWinogradInvalid(const ConvSizes& sizes, const Device& device,
                               const ConfigView& view);

// REQUIRES: WinogradApplies(sizes) and a valid config.
Lowered LowerWinograd(const ConvSizes& sizes, const ConfigView& view);

// `value` of the input at pixel (ix, iy) of image n, zero outside it; clamped where the conv has no
// padding and nobody stores what comes of it.
Halide::Expr PaddedInput(const Halide::ImageParam& x, const ConvSizes& sizes, Halide::Expr ci,
                         Halide::Expr g, Halide::Expr ix, Halide::Expr iy, Halide::Expr n,
                         bool clamp_group);

}  // namespace halyard
