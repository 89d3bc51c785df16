// The exponential shared by softmax and attention.
#pragma once

#include <Halide.h>

namespace halyard {

inline constexpr float kLog2E = 1.44269504088896340736f;
// Stands for minus infinity in a masked score: far below any exponent that survives, yet finite, so
// that a difference of two of them is not NaN.
inline constexpr float kMaskedScore = -1e30f;

// 2^x for x <= 0; below -126 (where floats turn denormal) the result is 2^-126. Relative error at
// most 2.5e-7 (a polynomial error of 9.1e-08, the rest rounding). x = n + f with f in [-1/2, 1/2];
// 2^f by a degree-5 polynomial with constant term 1, so that 2^0 is 1 (Lawson-weighted least
// squares on Chebyshev nodes, 9.15e-08 relative); n is added to the exponent bits. Per vector: max,
// round (2 micro-ops on AVX-512), sub, 5 FMA, convert, shift, add: 12 micro-ops.
Halide::Expr Exp2NonPositive(Halide::Expr x);

}  // namespace halyard
