// The generated texts of a library: its C dispatcher and header, and the files that let other
// builds find it. Pure functions of the plan.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tuner/library/library_plan.h"

namespace halyard {

std::string HeaderText(const LibraryPlan& plan);

// The C source behind the header; needs HalideRuntime.h to compile. REQUIRES: variants are built.
// FailedPrecondition: see CpuCheckText.
absl::StatusOr<std::string> DispatcherText(const LibraryPlan& plan);

// The part of it that is about one operator; $NAME-like marks of DispatcherText are left in.
std::string DispatcherOperatorText(const std::string& library, const PlannedOperator& planned);

// The C function `static int cpu_supported(void)`: whether the CPU that runs it, and its operating
// system, have every feature a Halide target compiles for. FailedPrecondition: the target has a
// feature this does not know how to ask for.
absl::StatusOr<std::string> CpuCheckText(const std::string& halide_target);

std::string CMakeConfigText(const LibraryPlan& plan);
std::string CMakeConfigVersionText(const LibraryPlan& plan);
std::string PkgConfigText(const LibraryPlan& plan);

// What `compiler` says is recorded as the C compiler and `library_sha256` as the library's digest.
std::string ManifestText(const LibraryPlan& plan, const std::string& halide_compiler,
                         const std::string& c_compiler, const std::string& library_sha256,
                         const std::string& header_sha256);

// `int64_t heads, int64_t queries, ..., const float* q, ..., float* out`; `constant`, where given,
// is what the constant operand is called.
std::string ParameterList(const PlannedOperator& planned, const std::string& constant = "");
// `int64_t heads, int64_t queries, ...` alone.
std::string SizeParameters(const PlannedOperator& planned);

// `int function(parameters)`, broken into lines that align.
std::string Signature(const std::string& function, const std::string& parameters);

}  // namespace halyard
