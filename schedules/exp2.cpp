#include "schedules/exp2.h"

namespace halyard {

using Halide::Expr;

Expr Exp2NonPositive(Expr x) {
  x = Halide::max(x, -126.0f);
  const Expr n = Halide::round(x);
  const Expr f = x - n;
  constexpr float kCoefficients[] = {0.0013264722053457157f, 0.009671512997156254f,
                                     0.05550733760368307f,   0.2402224207758119f,
                                     0.6931469775872255f,    1.0f};
  Expr p = kCoefficients[0];
  for (int i = 1; i < 6; i++) p = p * f + kCoefficients[i];
  const Expr exponent = Halide::cast<int32_t>(n) << 23;
  return Halide::reinterpret<float>(Halide::reinterpret<int32_t>(p) + exponent);
}

}  // namespace halyard
