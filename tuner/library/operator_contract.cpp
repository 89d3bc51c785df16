#include "tuner/library/operator_contract.h"

namespace halyard {
namespace {

const std::vector<OperatorContract>& Contracts() {
  static const std::vector<OperatorContract> contracts = {
      {"gemm",
       "c = a b, all row-major.",
       {},
       {{"a", {"m", "k"}}, {"b", {"k", "n"}}, {"c", {"m", "n"}}},
       {},
       /*constant=*/1},
      {"batch_gemm",
       "c[i] = a[i] b[i] for each i below `batch`, all row-major. A bias is the same for all.",
       {},
       {{"a", {"batch", "m", "k"}}, {"b", {"batch", "k", "n"}}, {"c", {"batch", "m", "n"}}},
       {},
       /*constant=*/1},
      // The weights are not called `w` as the operator calls them: that is the width here.
      {"conv2d",
       "Convolution of an NHWC image x, zero-padded by `pad` on each of its four sides. A tuned\n"
       "kernel may use Winograd's transforms. For inputs and weights in [-1, 1] and L = kh * kw *\n"
       "ci / groups, results are within 4.8e-7 (L / 2 + 4 sqrt(L) + 4) of the exact ones.",
       {{"out_h", "(h + 2 * pad - (kh - 1) * dilation - 1) / stride + 1"},
        {"out_w", "(w + 2 * pad - (kw - 1) * dilation - 1) / stride + 1"}},
       {{"x", {"n", "h", "w", "ci"}},
        {"weights", {"kh", "kw", "ci / groups", "co"}},
        {"out", {"n", "out_h", "out_w", "co"}}},
       {{"ci % groups == 0 && co % groups == 0", "groups divides ci and co"},
        {"(kh - 1) * dilation + 1 <= h + 2 * pad && (kw - 1) * dilation + 1 <= w + 2 * pad",
         "the dilated kernel fits the padded image"}},
       /*constant=*/1},
      {"softmax",
       "out = exp(x - m) / sum(exp(x - m)) along each row, m the largest element of the row.",
       {},
       {{"x", {"rows", "columns"}}, {"out", {"rows", "columns"}}},
       {},
       /*constant=*/-1,
       // Bound by memory, and nothing in the fall-back waits for a number of rows: kernels tuned
       // for 256x1000 took 1.06 to 1.2 of its time in whole parts, 2.3 where one row was left over
       // (tests/performance/parts_against_fallback.cpp).
       /*in_parts=*/false},
      {"attention",
       "out = softmax(q k^T / sqrt(depth)) v for each head. With causal = 1 query i sees the keys\n"
       "up to i + keys - queries.",
       {},
       {{"q", {"heads", "queries", "depth"}},
        {"k", {"heads", "keys", "depth"}},
        {"v", {"heads", "keys", "depth"}},
        {"out", {"heads", "queries", "depth"}}},
       {{"causal == 0 || queries <= keys",
         "causal attention has at least as many keys as queries"}}},
  };
  return contracts;
}

}  // namespace

const OperatorContract* FindContract(const std::string& op) {
  for (const OperatorContract& contract : Contracts()) {
    if (contract.op == op) return &contract;
  }
  return nullptr;
}

}  // namespace halyard
