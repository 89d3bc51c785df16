// What gemm and conv2d may do to an output element on its way to memory:
//   activation(product + bias + residual).
// Workload attributes `bias` (a vector, one element an output channel), `residual` (a tensor of the
// output's shape) and `act`; the inputs follow the operator's two, bias first. Applied where the
// register tile is stored, so the output is written once and read by nobody.
#pragma once

#include <optional>
#include <vector>

#include "schedules/operator.h"

namespace halyard {

// In the order of the labels of attribute `act`.
enum class Activation { kNone, kRelu, kGelu };

struct Epilogue {
  bool bias = false, residual = false;
  Activation activation = Activation::kNone;

  bool empty() const { return *this == Epilogue{}; }
  int inputs() const { return int{bias} + int{residual}; }
  bool operator==(const Epilogue&) const = default;
};

std::vector<AttributeSpec> EpilogueAttributes();
bool IsEpilogueAttribute(const std::string& name);
// Empty for operators that have none.
Epilogue EpilogueOf(const Workload& workload);

// The shapes of its inputs; the channels are the last extent of `output`.
std::vector<BufferSpec> EpilogueShapes(const Epilogue& epilogue, const BufferSpec& output);

// The epilogue in Halide: its inputs, declared as `output` is (which may be another view of the
// operator's output) and appended to those of `lowered`.
class EpilogueStage {
 public:
  enum class Bounds { kDense, kEstimates };
  // `channel_dims`: how many of the innermost dimensions of `output` are the output channels.
  EpilogueStage(const Epilogue& epilogue, const BufferSpec& output, int channel_dims,
                Lowered& lowered, Bounds bounds = Bounds::kDense);
  // What is stored of `value` at these coordinates, innermost first. They have to lie inside the
  // output also where nothing is stored.
  Halide::Expr operator()(Halide::Expr value, const std::vector<Halide::Expr>& at) const;

 private:
  Epilogue epilogue_;
  int channel_dims_;
  Halide::ImageParam bias_, residual_;
};

// `i`, kept below `extent` for the sake of what is read there where a padded tail runs past it.
Halide::Expr InsideTail(Halide::Expr i, Halide::Expr extent, bool runs_past);

// In double, of output element `index` in `channel`. Inputs are from number `first` on.
double EpilogueReference(const Epilogue& epilogue, double product, const InputReader& in, int first,
                         int64_t channel, int64_t index);
// Operator::Tolerance of a product over `length` with its epilogue.
double EpilogueTolerance(const Epilogue& epilogue, int64_t length);
// What the epilogue adds to Operator::Projection. REQUIRES: no activation.
double EpilogueProjection(const Epilogue& epilogue, const BufferSpec& output, const InputReader& in,
                          int first, uint64_t seed);
// Additions; activations are not counted.
double EpilogueFlops(const Epilogue& epilogue, const BufferSpec& output);

}  // namespace halyard
