// The Gaussian error linear unit in its exact form, x Phi(x) = x/2 (1 + erf(x / sqrt 2)).
// Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.
#pragma once

#include <Halide.h>

namespace halyard {

// |Gelu(x) - x Phi(x)| is at most this times max(1, |x|).
inline constexpr double kGeluError = 1.2e-7;

// For a = |x|: max(x, 0) - a Q(a), where Q(a) = 1 - Phi(a) = P(1 / (1 + 0.27 a)) exp(-a^2 / 2) is
// the form of Abramowitz and Stegun 7.1.26 with a polynomial of degree 6, fitted to a Q(a) (Lawson
// iteration on Chebyshev nodes of [0, 6]; 2e-8 absolute, the rest of kGeluError is rounding). Both
// infinities have their limits; not for NaN. Per vector a division and some 30 micro-ops.
Halide::Expr Gelu(Halide::Expr x);

}  // namespace halyard
