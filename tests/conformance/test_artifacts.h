// Artifacts for the executor tests, good and bad, built for whatever device is under test.
#pragma once

#include <string>

#include "targets/device.h"
#include "targets/run_protocol.h"
#include "tests/conformance/scratch_folder.h"

namespace halyard {

// C(i, j) = sum_k A(i, k) B(k, j) of n x n matrices by Halide, rows in parallel if asked.
void BuildMatmul(const Device& device, const std::string& path, bool parallel);
// Halide kernel whose schedule allocates `bytes` on the heap.
void BuildHungryKernel(const Device& device, const std::string& path, int64_t bytes);
// int kernel_argv(void**) with this body in C; IN and OUT are float pointers, N the output's size.
// `pack`, where not empty, is the body of a second function, pack_argv; `outside` stands before
// both.
void BuildCKernel(const Device& device, const std::string& path, const std::string& body,
                  const std::string& pack = "", const std::string& outside = "");

EntrySpec MatmulEntry(int64_t n);
// One input and one output of `n` elements.
EntrySpec ElementwiseEntry(int64_t n);
// Of an artifact whose kernel is ElementwiseEntry(1000): three short samples, or a count.
RunRequest ShortRun(const Device& device, const std::string& artifact);
// The same, whose input `pack` turns into n + 1 elements ahead.
EntrySpec PreparedEntry(int64_t n);

}  // namespace halyard
