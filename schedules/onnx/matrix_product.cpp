// MatMul and Gemm.

#include <algorithm>

#include "fmt/format.h"
#include "schedules/onnx/product_pattern.h"

namespace halyard {
namespace {

absl::Status No(const std::string& reason) { return absl::FailedPreconditionError(reason); }

struct Operands {
  Sizes a, b, out;
};

absl::StatusOr<Operands> OperandsOf(const OnnxGraph& graph, const onnx::NodeProto& n) {
  for (const std::string& value : {n.input(0), n.input(1), n.output(0)}) {
    if (!graph.Shape(value)) return No("its shape depends on data, or on a node not known here");
    if (!graph.IsF32(value)) return No("not f32");
  }
  return Operands{*graph.Shape(n.input(0)), *graph.Shape(n.input(1)), *graph.Shape(n.output(0))};
}

bool IsOne(int64_t size) { return size == 1; }

// Weights that are the same in every call are laid out ahead of all.
void AddPacked(const OnnxGraph& graph, const std::string& b, Product& product) {
  product.constant_weights = graph.IsConstant(b);
  if (product.constant_weights) product.call.attributes.push_back("packed=1");
}

}  // namespace

// [.., M, K] x [K, N]: the batch is more rows of a. [.., M, K] x [.., K, N]: one product each.
absl::StatusOr<Product> MatMulProduct(const OnnxGraph& graph, int node) {
  const onnx::NodeProto& n = graph.node(node);
  auto operands = OperandsOf(graph, n);
  if (!operands.ok()) return operands.status();
  auto& [a, b, out] = *operands;
  if (a.empty() || b.empty()) return No("a scalar operand");
  const bool vector_a = a.size() == 1, vector_b = b.size() == 1;
  const size_t batch_rank = out.size() - (vector_a ? 0 : 1) - (vector_b ? 0 : 1);
  if (vector_a) a.insert(a.begin(), 1);
  if (vector_b) b.push_back(1);
  const int64_t m = *(a.end() - 2), k = a.back(), columns = b.back();
  const int64_t products_a = ProductOf(a.begin(), a.end() - 2);
  const int64_t products_b = ProductOf(b.begin(), b.end() - 2);
  Product product;
  product.node = node;
  // The columns of a vector b, which are one, are no dimension of the output.
  product.channel_axis = vector_b ? -1 : static_cast<int>(out.size()) - 1;
  if (std::all_of(b.begin(), b.end() - 2, IsOne)) {
    product.call = {"gemm", {ProductOf(a.begin(), a.end() - 1), columns, k}, {}};
  } else {
    // Both lists of products are the output's, one for one, only where neither is broadcast.
    const auto batch_end = out.begin() + static_cast<Sizes::difference_type>(batch_rank);
    const int64_t products = ProductOf(out.begin(), batch_end);
    if (products_a != products || products_b != products) {
      return No("an operand is broadcast over the products of a batch");
    }
    product.call = {"batch_gemm", {products, m, columns, k}, {}};
  }
  AddPacked(graph, n.input(1), product);
  return product;
}

// Constants can be transposed and scaled ahead; the rest has to be as gemm reads it.
absl::StatusOr<Product> GemmProduct(const OnnxGraph& graph, int node) {
  const onnx::NodeProto& n = graph.node(node);
  const auto operands = OperandsOf(graph, n);
  if (!operands.ok()) return operands.status();
  const bool constant_a = graph.IsConstant(n.input(0)), constant_b = graph.IsConstant(n.input(1));
  const bool trans_a = IntAttribute(n, "transA", 0) != 0,
             trans_b = IntAttribute(n, "transB", 0) != 0;
  if (trans_a && !constant_a) return No("operand a is transposed, and not constant");
  if (trans_b && !constant_b) return No("operand b is transposed, and not constant");
  const double alpha = FloatAttribute(n, "alpha", 1), beta = FloatAttribute(n, "beta", 1);
  if (alpha != 1 && !constant_a && !constant_b) {
    return No(fmt::format("alpha is {:g}, and no operand is constant to take it", alpha));
  }
  Product product;
  product.node = node;
  product.channel_axis = 1;
  const int64_t k = operands->a[trans_a ? 0 : 1];
  product.call = {"gemm", {operands->out[0], operands->out[1], k}, {}};
  AddPacked(graph, n.input(1), product);
  const std::string c = Input(n, 2);
  if (c.empty() || beta == 0) return product;
  const auto shape = graph.Shape(c);
  if (!shape || !graph.IsF32(c)) return No("its c is not f32 or has no known shape");
  if (beta != 1 && !graph.IsConstant(c)) {
    return No(fmt::format("beta is {:g}, and c is not constant to take it", beta));
  }
  const bool one_row = std::all_of(shape->begin(), shape->end() - (shape->empty() ? 0 : 1), IsOne);
  const bool scalar = ProductOf(shape->begin(), shape->end()) == 1;
  if (one_row && ((!scalar && shape->back() == operands->out[1]) || graph.IsConstant(c))) {
    product.bias = true;
  } else if (*shape == operands->out) {
    product.residual = true;
  } else {
    return No(fmt::format("its c of {} is neither a bias of the columns nor a whole matrix",
                          shape->empty() ? "one element" : SizesText(*shape)));
  }
  return product;
}

}  // namespace halyard
