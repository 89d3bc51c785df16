// What every operator does at its edges: declaring dense buffers, shapes, tolerances, probes.
#pragma once

#include <Halide.h>

#include <initializer_list>
#include <string>

#include "absl/status/status.h"
#include "schedules/operator.h"

namespace halyard {

inline Halide::Expr Extent(int64_t n) { return Halide::Expr(static_cast<int>(n)); }

// InvalidArgument naming the ranks allowed and `example`.
absl::Status ExpectRank(const Workload& w, std::initializer_list<size_t> ranks,
                        const std::string& example);

// Fixes a buffer to dense row-major of known extents, so that index arithmetic folds.
void BindDense(Halide::ImageParam& param, const BufferSpec& shape);
void BindDense(Halide::Func& output, const BufferSpec& shape);

// Makes `layout`, a scheduled Func of `source` alone, what is done ahead of the calls to operand
// `input` and returns what the kernel reads in its place.
Halide::ImageParam PrepareAhead(Halide::Func layout, const BufferSpec& packed,
                                const Halide::ImageParam& source, int input,
                                std::optional<Prepare>& prepare);

// The same as estimates only: what an autoscheduler is told.
void BindEstimates(Halide::ImageParam& param, const BufferSpec& shape);
void SetEstimates(Halide::Func& output, const BufferSpec& shape);

// Rounding of a length-n f32 reduction of products of values in [-1, 1): the worst case of n
// rounding errors of partial sums that grow as sqrt(n), with room for reordering. (Higham, Accuracy
// and Stability of Numerical Algorithms, 2nd ed., section 4.2.)
double ReductionTolerance(int64_t length);

// Shortens dimension `dim` so that a probe costs about 2e7 FLOP (an emulated board does some 3e8 a
// second), in whole multiples of `granule`, the rows of one task of the config. Two tasks at least:
// a parallel loop of one is no parallel loop in the code. Without sizes where that costs 1.5e9
// FLOP.
ProbePlan RowProbe(const Workload& w, int dim, double flops, int64_t granule);

}  // namespace halyard
