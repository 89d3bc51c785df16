#include "schedules/gelu.h"

#include "schedules/exp2.h"

namespace halyard {

using Halide::Expr;

Expr Gelu(Expr x) {
  // From 13.3 on the exponential is at its floor of 2^-126; infinity times what is left is not.
  const Expr a = Halide::min(Halide::abs(x), 14.0f);
  const Expr t = 1.0f / (1.0f + 0.27f * a);
  constexpr float kCoefficients[] = {-0.118990076833f, 0.499406636424f,  -0.405769027764f,
                                     0.385149348161f,  0.0219024933353f, 0.118300665814f};
  Expr p = kCoefficients[0];
  for (int i = 1; i < 6; i++) p = p * t + kCoefficients[i];
  const Expr upper = p * t * Exp2NonPositive(a * a * (-0.5f * kLog2E));
  return Halide::max(x, 0.0f) - a * upper;
}

}  // namespace halyard
