// The exponential shared by softmax and attention.
#pragma once

#include <Halide.h>

namespace halyard {

inline constexpr float kLog2E = 1.44269504088896340736f;
// Stands for minus infinity in a masked score: far below any exponent that survives, yet finite, so
// that a difference of two of them is not NaN.
inline constexpr float kMaskedScore = -1e30f;

// Largest error of Exp2NonPositive on [-126, 0], in units of the last place of the binade that the
// exact result lies in; with fused multiply-adds, as every target of ours has them, and without.
inline constexpr double kExp2MaxUlp = 2.04;
inline constexpr double kExp2MaxUlpUnfused = 2.30;

// 2^x for x <= 0. Over all 1,123,811,329 floats of [-126, 0] its error is at most 2.036 ulp (at
// -0.49999; 1.72e-7 relative), the same bits on x86-64 and aarch64; 2.294 ulp where multiply and
// add round one by one. Below -126, where floats turn denormal, down to and at minus infinity the
// result is 2^-126: no result is denormal, and none is 0. Not for NaN, nor for x > 0.
//
// x = n + f with f in [-1/2, 1/2]; 2^f by a degree-5 polynomial with constant term 1, so that 2^0
// is 1 (Lawson-weighted least squares on Chebyshev nodes, 9.15e-08 relative); n is added to the
// exponent bits. Per vector: max, round (2 micro-ops on AVX-512), sub, 5 FMA, convert, shift, add:
// 12 micro-ops.
Halide::Expr Exp2NonPositive(Halide::Expr x);

}  // namespace halyard
