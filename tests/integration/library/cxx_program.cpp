// A C++ program over a library: right answers from every kind of function, and each kind of refusal
// in the words of the header. Prints "right" or what is not.
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "tuned_host.hpp"

namespace {

using Floats = std::vector<float>;
using tuned_host::Activation;

int wrong = 0;

void Expect(bool good, const std::string& what) {
  if (good) return;
  std::printf("wrong: %s\n", what.c_str());
  wrong++;
}

void ExpectOk(const tuned_host::Status& s) {
  Expect(s.ok() && s.code() == TUNED_HOST_OK && s.message().empty(), s.message());
}

void ExpectRefused(const tuned_host::Status& s, const std::string& message) {
  Expect(s.code() == TUNED_HOST_BAD_ARGUMENT && s.message() == message,
         "'" + s.message() + "' in place of '" + message + "'");
}

Floats Numbers(size_t count, size_t step) {
  Floats numbers(count);
  for (size_t i = 0; i < count; i++) numbers[i] = static_cast<float>(i * step % 101) / 50 - 1;
  return numbers;
}

// activation(a b + bias + residual), the last two empty or not.
Floats Product(size_t m, size_t n, size_t k, const Floats& a, const Floats& b,
               Activation activation, const Floats& bias, const Floats& residual) {
  Floats c(m * n);
  for (size_t i = 0; i < c.size(); i++) {
    double sum = bias.empty() ? 0 : bias[i % n];
    if (!residual.empty()) sum += residual[i];
    for (size_t p = 0; p < k; p++) sum += double{a[i / n * k + p]} * double{b[p * n + i % n]};
    if (activation == Activation::kRelu && sum < 0) sum = 0;
    if (activation == Activation::kGelu) sum *= 0.5 * std::erfc(-sum / std::sqrt(2.0));
    c[i] = static_cast<float>(sum);
  }
  return c;
}

void ExpectNear(const Floats& got, const Floats& want, const std::string& what) {
  bool near = got.size() == want.size();
  for (size_t i = 0; near && i < got.size(); i++) near = std::fabs(got[i] - want[i]) < 1e-4f;
  Expect(near, what);
}

// Shapes that are tuned, in part, and one that is not.
void TryProducts(int64_t m, int64_t n, int64_t k) {
  const auto M = static_cast<size_t>(m), N = static_cast<size_t>(n), K = static_cast<size_t>(k);
  const Floats a = Numbers(M * K, 7), b = Numbers(K * N, 11), bias = Numbers(N, 13);
  const Floats residual = Numbers(M * N, 17), none;
  const auto want = [&](Activation f, const Floats& with_bias, const Floats& with_residual) {
    return Product(M, N, K, a, b, f, with_bias, with_residual);
  };
  Floats c(M * N);
  ExpectOk(tuned_host::gemm(m, n, k, a, b, c));
  ExpectNear(c, want(Activation::kNone, none, none), "gemm");
  ExpectOk(tuned_host::gemm_fused(m, n, k, Activation::kGelu, a, b, bias, residual, c));
  ExpectNear(c, want(Activation::kGelu, bias, residual), "gemm_fused");
  ExpectOk(tuned_host::gemm_fused(m, n, k, Activation::kRelu, a, b, {}, residual, c));
  ExpectNear(c, want(Activation::kRelu, none, residual), "gemm_fused without a bias");

  tuned_host::PackedGemm packed;
  ExpectRefused(packed.run(a, c), "PackedGemm::run: nothing is packed; call pack() first");
  ExpectOk(packed.pack(m, n, k, b));
  tuned_host::PackedGemm moved = std::move(packed);
  c.assign(c.size(), -7);
  ExpectOk(moved.run(a, c));
  ExpectNear(c, want(Activation::kNone, none, none), "PackedGemm");
  ExpectRefused(moved.run(a, bias, {}, c),
                "PackedGemm::run: bias is given; pack() was told of none");

  ExpectOk(moved.pack(m, n, k, b, {Activation::kRelu, true, false}));
  ExpectOk(moved.run(a, bias, {}, c));
  ExpectNear(c, want(Activation::kRelu, bias, none), "PackedGemm with an epilogue");
  ExpectRefused(moved.run(a, c), "PackedGemm::run: bias is empty; pack() was told of one");
  const std::string got = std::to_string(b.size() + 1), asked = std::to_string(b.size());
  ExpectRefused(moved.pack(m, n, k, Numbers(b.size() + 1, 1)),
                "PackedGemm::pack: b has " + got + " elements; these sizes take " + asked);
  ExpectOk(moved.run(a, bias, {}, c));  // what was packed before is still there

  tuned_host::PackedBatchGemm batch;
  ExpectOk(batch.pack(1, m, n, k, b));
  ExpectOk(batch.run(a, c));
  ExpectNear(c, want(Activation::kNone, none, none), "PackedBatchGemm");
  // A 1x1 convolution is a product of pixels and weights.
  tuned_host::PackedConv2d conv;
  ExpectOk(conv.pack(1, m, 1, k, n, 1, 1, 1, 0, 1, 1, b, {Activation::kNone, true, true}));
  ExpectOk(conv.run(a, bias, residual, c));
  ExpectNear(c, want(Activation::kNone, bias, residual), "PackedConv2d");
  ExpectOk(tuned_host::conv2d(1, m, 1, k, n, 1, 1, 1, 0, 1, 1, a, b, c));
  ExpectNear(c, want(Activation::kNone, none, none), "conv2d");
}

void TryTheRest() {
  std::array<float, 6> x = {1, 1, 2, 2, 3, 3}, out{};
  ExpectOk(tuned_host::softmax(3, 2, x, out));
  for (const float o : out) Expect(std::fabs(o - 0.5f) < 1e-6f, "softmax");
  const float raw[2] = {3, 4};
  float answer[2] = {0, 0};
  // Of one key the answer is its value.
  ExpectOk(tuned_host::attention(1, 1, 1, 2, 0, raw, raw, tuned_host::Span<const float>(raw, 2),
                                 tuned_host::Span<float>(answer, 2)));
  Expect(std::fabs(answer[0] - 3) < 1e-5f && std::fabs(answer[1] - 4) < 1e-5f, "attention");
}

void TryRefusals() {
  const Floats a(6, 1), b(12, 1);
  Floats c(8, -7);
  ExpectRefused(tuned_host::gemm(2, 4, 3, a, Floats(13), c),
                "gemm: b has 13 elements; these sizes take 12");
  ExpectRefused(tuned_host::gemm(2, 4, 4, a, b, c), "gemm: a has 6 elements; these sizes take 8");
  ExpectRefused(tuned_host::gemm(2, 4, 3, a, b, {}), "gemm: c has 0 elements; these sizes take 8");
  ExpectRefused(tuned_host::gemm(0, 4, 3, a, b, c), "gemm: m is 0; give 1 to 2147483647");
  ExpectRefused(tuned_host::gemm(1 << 20, 4, 1 << 20, a, b, c),
                "gemm: a has too many elements; give sizes for 2147483647 at most");
  ExpectRefused(tuned_host::gemm_fused(2, 4, 3, Activation::kRelu, a, b, Floats(5), {}, c),
                "gemm_fused: bias has 5 elements; these sizes take 4");
  ExpectRefused(tuned_host::gemm_fused(2, 4, 3, static_cast<Activation>(9), a, b, {}, {}, c),
                "gemm_fused: a pointer is null or the sizes break the function's rules");
  ExpectRefused(tuned_host::conv2d(1, 1, 1, 3, 4, 1, 1, 1, 0, 1, 2, a, b, c),
                "conv2d: the rule is broken: groups divides ci and co");
  ExpectRefused(tuned_host::attention(1, 2, 1, 1, 2, a, b, c, c),
                "attention: causal is 2; give 0 to 1");
  Expect(c == Floats(8, -7), "a refused call wrote to its output");
#if defined(__cpp_exceptions)
  tuned_host::gemm(2, 4, 3, a, b, c).or_throw();
  try {
    tuned_host::gemm(2, 4, 3, a, a, c).or_throw();
    Expect(false, "nothing was thrown");
  } catch (const tuned_host::Error& e) {
    Expect(e.code() == TUNED_HOST_BAD_ARGUMENT, "the code that was thrown");
    Expect(std::string(e.what()) == "gemm: b has 6 elements; these sizes take 12", e.what());
  }
#endif
}

}  // namespace

int main() {
  TryProducts(33, 17, 9);
  TryProducts(7, 5, 3);
  TryTheRest();
  TryRefusals();
  if (wrong == 0) std::printf("right\n");
  return wrong != 0;
}
