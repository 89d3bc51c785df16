// Nodes that are products, each as the call that computes it: conditions in the sources.
#pragma once

#include "absl/status/statusor.h"
#include "schedules/onnx/epilogue_pattern.h"

namespace halyard {

// FailedPrecondition: a phrase on why no operator computes it.
absl::StatusOr<Product> MatMulProduct(const OnnxGraph& graph, int node);
absl::StatusOr<Product> GemmProduct(const OnnxGraph& graph, int node);
absl::StatusOr<Product> ConvProduct(const OnnxGraph& graph, int node);

// Of a MatMul, Gemm or Conv whose shapes are known, whoever computes it; 0 otherwise.
double ProductFlops(const OnnxGraph& graph, int node);

}  // namespace halyard
