// The products of a graph, with what follows each.

#include "schedules/onnx/product_pattern.h"

namespace halyard {
namespace {

bool IsProduct(const onnx::NodeProto& n) {
  return IsOp(n, "MatMul") || IsOp(n, "Gemm") || IsOp(n, "Conv");
}

absl::StatusOr<Product> ProductAt(const OnnxGraph& graph, int node) {
  if (IsOp(graph.node(node), "Conv")) return ConvProduct(graph, node);
  if (IsOp(graph.node(node), "Gemm")) return GemmProduct(graph, node);
  return MatMulProduct(graph, node);
}

}  // namespace

double ProductFlops(const OnnxGraph& graph, int node) {
  const onnx::NodeProto& n = graph.node(node);
  if (!IsProduct(n)) return 0;
  const auto out = graph.Shape(n.output(0)), a = graph.Shape(n.input(0)),
             b = graph.Shape(n.input(1));
  if (!out || !a || !b || a->empty() || b->empty()) return 0;
  double sums = 1, length = 1;
  for (const int64_t size : *out) sums *= static_cast<double>(size);
  if (IsOp(n, "Conv")) {
    for (auto size = b->begin() + 1; size != b->end(); ++size) length *= static_cast<double>(*size);
  } else {
    const bool transposed = IsOp(n, "Gemm") && IntAttribute(n, "transA", 0) != 0;
    length = static_cast<double>(transposed ? a->front() : a->back());
  }
  return 2 * sums * length;
}

void FindProducts(const OnnxGraph& graph, Findings& findings) {
  for (int i = 0; i < graph.size(); i++) {
    if (findings.Decided(i) || !IsProduct(graph.node(i))) continue;
    // What is the same in every call is computed ahead of all.
    if (graph.IsConstant(graph.node(i).output(0))) continue;
    auto product = ProductAt(graph, i);
    if (!product.ok()) {
      findings.Leave(i, std::string(product.status().message()), ProductFlops(graph, i));
      continue;
    }
    const std::vector<int> nodes = FuseEpilogue(graph, findings, *product);
    findings.Cover(i, nodes, product->call, ProductFlops(graph, i));
  }
}

}  // namespace halyard
