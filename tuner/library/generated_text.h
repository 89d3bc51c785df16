// The generated texts of a library: its C dispatcher and header, and the files that let other
// builds find it. Pure functions of the plan.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tuner/library/library_plan.h"

namespace halyard {

// The version of the interface that the header declares, firmware's apart. What raises it stands in
// the header; tests/golden has the header of each.
inline constexpr int kLibraryAbiVersion = 2;

std::string HeaderText(const LibraryPlan& plan);

// The C source behind the header; needs HalideRuntime.h to compile. REQUIRES: variants are built.
// FailedPrecondition: see CpuCheckText.
absl::StatusOr<std::string> DispatcherText(const LibraryPlan& plan);

// The part of it that is about one operator; $NAME-like marks of DispatcherText are left in.
std::string DispatcherOperatorText(const std::string& library, const PlannedOperator& planned);

// What header and dispatcher have to say of the version and of what a program may bring, marks left
// in, and the functions among it, without the library's name before them.
std::string HooksHeaderText();
std::string HooksDispatcherText();
std::vector<std::string> HooksExports();

// The C function `static int cpu_supported(void)`: whether the CPU that runs it, and its operating
// system, have every feature a Halide target compiles for. FailedPrecondition: the target has a
// feature this does not know how to ask for.
absl::StatusOr<std::string> CpuCheckText(const std::string& halide_target);

// Of a device without an operating system, in place of HeaderText and DispatcherText; REQUIRES:
// variants are built. The source follows workspace.h and workspace.c of the kernels' runtime.
std::string FirmwareHeaderText(const LibraryPlan& plan);
std::string FirmwareSourceText(const LibraryPlan& plan);
std::vector<std::string> FirmwareExports(const LibraryPlan& plan);

std::string CMakeConfigText(const LibraryPlan& plan);
std::string CMakeConfigVersionText(const LibraryPlan& plan);
std::string PkgConfigText(const LibraryPlan& plan);

inline constexpr char kManifestFile[] = "manifest.json";
inline constexpr int kManifestFormat = 2;
// The manifest's signature, where it has one.
inline constexpr char kSignatureFile[] = "manifest.sig";
// `digests`: of every other file of the library, by its path in the library's folder.
std::string ManifestText(const LibraryPlan& plan, const std::string& halide_compiler,
                         const std::string& c_compiler,
                         const std::map<std::string, std::string>& digests);

// `int64_t heads, int64_t queries, ..., const float* q, ..., float* out`; `constant`, where given,
// is what the constant operand is called.
std::string ParameterList(const PlannedOperator& planned, const std::string& constant = "");
// `int64_t heads, int64_t queries, ...` alone.
std::string SizeParameters(const PlannedOperator& planned);

// The functions with an epilogue of an operator that has them; `packed` chooses between the two of
// a kind. $NAME-like marks of HeaderText are left in.
std::string HeaderFusedText(const std::string& library, const PlannedOperator& planned);
std::string FusedSignature(const std::string& library, const PlannedOperator& planned, bool packed);
std::string FusedQuerySignature(const std::string& library, const PlannedOperator& planned,
                                bool packed);
std::string FusedFloatsSignature(const std::string& library, const PlannedOperator& planned);
std::string FusedPackSignature(const std::string& library, const PlannedOperator& planned);
// The lines of the header's enum of activations, $PREFIX left in.
std::string ActivationEnumerators();

// The marks that both headers have, $NAME, $PREFIX, $DEVICE, $DESCRIPTION and $VERSION, and what is
// put for them.
std::vector<std::pair<std::string, std::string>> HeaderMarks(const LibraryPlan& plan);
// What a device file says, for a comment: on one line, and it cannot end the comment.
std::string CommentText(const std::string& text);

inline constexpr char kHeaderClosing[] = R"(
#ifdef __cplusplus
}
#endif

#endif /* $PREFIX_H */
)";

// `int function(parameters)`, broken into lines that align.
std::string Signature(const std::string& function, const std::string& parameters);

}  // namespace halyard
