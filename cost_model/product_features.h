// Columns of operators that are a product inside: gemm, and conv2d in its three forms.
#pragma once

#include <memory>

#include "cost_model/estimate.h"
#include "cost_model/loop_nest.h"

namespace halyard {

// The product that a workload is. A convolution is one of output pixels by output channels.
struct ProductShape {
  double rows = 0, cols = 0, depth = 0, taps = 1;
  double products = 1;                           // side by side: groups, or a batch
  double a_bytes = 0, b_bytes = 0, c_bytes = 0;  // of the tensors
  bool packed = false;                           // B laid out ahead of the calls
  double epilogue_loads = 0;                     // vectors read for each vector stored
  bool gelu = false;
  // A convolution's; 0 images: not one.
  double images = 0, out_rows = 0, row_pixels = 0, in_rows = 0, in_pixels = 0;
  double in_channels = 0, stride = 1, kernel_rows = 1, kernel_cols = 1, pad = 0;
  bool depthwise = false;

  double macs() const { return rows * cols * depth * taps * products; }
};

struct ProductTask {
  explicit ProductTask(const Task& task);
  ProductShape shape;
  Machine machine;
  TaskBound bound;
};

// nullptr where the workload is no product that is known here.
std::unique_ptr<OperatorFeatures> MakeProductFeatures(const Task& task);

// Each writes the columns of one form.
void WriteBlocked(const ProductTask& task, const KnobValues& v, FeatureRow& row);
void WriteDirect(const ProductTask& task, const KnobValues& v, FeatureRow& row);
void WriteWinograd(const ProductTask& task, const KnobValues& v, FeatureRow& row);

// The columns that the forms share. `strides` and `periods` are of the operands a and b.
struct ProductNest {
  LoopNest nest;
  // Bytes between rows of A in the register tile and steps of K in B.
  double a_stride = 0, b_stride = 0;
  double a_rows = 1, a_row_bytes = 64, b_steps = 1, b_row_bytes = 64;
};
// Writes nest.*, traffic.*, panel.*, conflict.* and stride.*; adds the traffic, `times` over, to
// the estimate.
void WriteNest(const ProductNest& product, const ProductTask& task, double times, Estimate& e,
               FeatureRow& row);
// Cycles of storing the output once with its epilogue.
double StoreCycles(const ProductTask& task, double vec);

}  // namespace halyard
