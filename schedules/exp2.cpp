#include "schedules/exp2.h"

namespace halyard {

using Halide::Expr;

Expr Exp2NonPositive(Expr x) {
  x = Halide::max(x, -126.0f);
  const Expr n = Halide::round(x);
  const Expr f = x - n;
  constexpr float kCoefficients[] = {1.3276402114504515e-3f, 9.675540773708188e-3f,
                                     5.550713489626295e-2f,  2.402211973779991e-1f,
                                     6.931469669324708e-1f,  1.0000000716503774f};
  Expr p = kCoefficients[0];
  for (int i = 1; i < 6; i++) p = p * f + kCoefficients[i];
  const Expr exponent = Halide::cast<int32_t>(n) << 23;
  return Halide::reinterpret<float>(Halide::reinterpret<int32_t>(p) + exponent);
}

}  // namespace halyard
