// The generated C of a library for a device without an operating system: a function a tuned shape,
// and one an operator that chooses among them.
#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kFirmwareHeaderOpening[] =
    R"(/* $NAME: tensor operators tuned by Halyard $VERSION for device $DEVICE
 * ($DESCRIPTION).
 *
 * No heap, no operating system, no variables: scratch is taken from the `workspace` that the caller
 * hands in, $ALIGNMENT-byte aligned, of at least the function's $PREFIX_..._WORKSPACE_BYTES; where
 * those are 0 it may be NULL. Calls with workspaces of their own may interrupt one another.
 *
 * Tensors are dense row-major float, the last dimension contiguous, aligned as a float is; inputs
 * and output must not overlap. Shapes that were not tuned are not there: a function that chooses by
 * shape answers $PREFIX_NOT_TUNED. manifest.json names the measurement behind each.
 *
 * Objects are hard-float (AAPCS-VFP) for $CPU; they call memcpy, memmove and memset, under these or
 * the names of Arm's run-time ABI. The FPU must be switched on. Link with -l$NAME.
 */
#ifndef $PREFIX_H
#define $PREFIX_H

#include <stddef.h>
#include <stdint.h>

#define $PREFIX_DEVICE "$DEVICE"
#define $PREFIX_HALYARD_VERSION "$VERSION"

/* Workspace and stack that are enough for every function. */
#define $PREFIX_WORKSPACE_BYTES $MOST_WORKSPACE
#define $PREFIX_STACK_BYTES $MOST_STACK

#ifdef __cplusplus
extern "C" {
#endif

enum $NAME_status {
  $PREFIX_OK = 0,
  $PREFIX_BAD_ARGUMENT = 1,  /* a null pointer, or a workspace that is not aligned */
  $PREFIX_OUT_OF_MEMORY = 3, /* the workspace is too small; nothing was written */
  $PREFIX_KERNEL_FAILED = 4, /* not expected of arguments that are good */
  $PREFIX_NOT_TUNED = 5      /* no such shape in this library; nothing was written */
};

/* One line about a status, never NULL; static storage. */
const char* $NAME_error_text(int status);
)";

// After workspace.h and workspace.c.
constexpr char kSourceOpening[] = R"(
#include "$NAME.h"

#define MAX_RANK 8

/* As halide_dimension_t and halide_buffer_t of HalideRuntime.h. */
struct dimension {
  int32_t min, extent, stride;
  uint32_t flags;
};
struct buffer {
  uint64_t device;
  const void* device_interface;
  const float* host;
  uint64_t flags;
  uint8_t type_code, type_bits;
  uint16_t type_lanes;
  int32_t dimensions;
  struct dimension* dim;
  void* padding;
};
_Static_assert(sizeof(struct buffer) == 40, "the kernels have another layout");

/* Extents outermost first. */
struct shape {
  int rank;
  int32_t extents[MAX_RANK];
};

static void describe(struct buffer* buffer, struct dimension* dims, const struct shape* shape,
                     const float* data) {
  int32_t stride = 1;
  for (int i = 0; i < shape->rank; i++) {
    const int32_t extent = shape->extents[shape->rank - 1 - i];
    dims[i] = (struct dimension){0, extent, stride, 0};
    stride *= extent;
  }
  *buffer = (struct buffer){.host = data,
                            .type_code = 2,
                            .type_bits = 32,
                            .type_lanes = 1,
                            .dimensions = shape->rank,
                            .dim = dims};
}

static int open_workspace(struct halyard_workspace* w, void* workspace, size_t bytes,
                          size_t needed) {
  if (((uintptr_t)workspace & (HALYARD_WORKSPACE_ALIGNMENT - 1)) != 0) return $PREFIX_BAD_ARGUMENT;
  if (needed != 0 && workspace == NULL) return $PREFIX_BAD_ARGUMENT;
  if (bytes < needed) return $PREFIX_OUT_OF_MEMORY;
  *w = (struct halyard_workspace){workspace, bytes, 0, 0};
  return $PREFIX_OK;
}

const char* $NAME_error_text(int status) {
  switch (status) {
    case $PREFIX_OK:
      return "done";
    case $PREFIX_BAD_ARGUMENT:
      return "a pointer is null or the workspace is not aligned";
    case $PREFIX_OUT_OF_MEMORY:
      return "the workspace is too small";
    case $PREFIX_KERNEL_FAILED:
      return "the kernel refused to run";
    case $PREFIX_NOT_TUNED:
      return "no kernel is tuned for these sizes";
  }
  return "not a status of $NAME";
}
)";

constexpr char kWorkspaceParameters[] = "void* workspace, size_t workspace_bytes";

// One call of a kernel: $COUNT tensors $DATA of shapes $SHAPES.
constexpr char kFunction[] = R"(
int $KERNEL(const void*, $BUFFER_TYPES);
$SIGNATURE {
  static const struct shape shapes_[] = {$SHAPES};
  const float* const data_[] = {$DATA};
  struct buffer buffers_[$COUNT];
  struct dimension dims_[$COUNT][MAX_RANK];
  struct halyard_workspace workspace_;
  for (int i_ = 0; i_ < $COUNT; i_++) {
    if (data_[i_] == NULL) return $PREFIX_BAD_ARGUMENT;
    describe(&buffers_[i_], dims_[i_], &shapes_[i_], data_[i_]);
  }
  const int refused_ = open_workspace(&workspace_, workspace, workspace_bytes, $NEEDED);
  if (refused_ != $PREFIX_OK) return refused_;
  return $KERNEL(&workspace_, $BUFFERS) == 0 ? $PREFIX_OK : $PREFIX_KERNEL_FAILED;
}
)";

// "gemm_32x32x32", "gemm_8x8x8_packed_1_act_relu": a workload as an identifier; all are f32.
std::string Identifier(const Workload& workload) {
  std::string text = workload.ToText();
  text = text.substr(0, text.rfind(':'));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !absl::ascii_isalnum(c); }, '_');
  return text;
}

std::vector<std::string> TensorNames(const PlannedOperator& planned, const PlannedVariant& v) {
  std::vector<std::string> names;
  const auto& tensors = planned.contract->tensors;
  for (size_t i = 0; i + 1 < tensors.size(); i++) {
    const bool packed = v.packed && static_cast<int>(i) == planned.contract->constant;
    names.push_back(packed ? "packed" : tensors[i].name);
  }
  if (v.epilogue.bias) names.emplace_back("bias");
  if (v.epilogue.residual) names.emplace_back("residual");
  names.push_back(tensors.back().name);
  return names;
}

std::string Pointers(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += fmt::format("{}float* {}, ", &name == &names.back() ? "" : "const ", name);
  }
  return text;
}

std::string ShapeText(const BufferSpec& shape) {
  return fmt::format("{{{}, {{{}}}}}", shape.extents.size(), absl::StrJoin(shape.extents, ", "));
}

std::string FunctionText(const std::string& kernel, const std::string& signature,
                         const std::vector<std::string>& names,
                         const std::vector<BufferSpec>& tensors, int64_t workspace_bytes) {
  std::vector<std::string> shapes, buffers, types;
  for (size_t i = 0; i < tensors.size(); i++) {
    shapes.push_back(ShapeText(tensors[i]));
    buffers.push_back(fmt::format("&buffers_[{}]", i));
    types.emplace_back("struct buffer*");
  }
  return absl::StrReplaceAll(kFunction, {{"$KERNEL", kernel},
                                         {"$BUFFER_TYPES", absl::StrJoin(types, ", ")},
                                         {"$SIGNATURE", signature},
                                         {"$SHAPES", absl::StrJoin(shapes, ", ")},
                                         {"$DATA", absl::StrJoin(names, ", ")},
                                         {"$COUNT", std::to_string(tensors.size())},
                                         {"$NEEDED", std::to_string(workspace_bytes)},
                                         {"$BUFFERS", absl::StrJoin(buffers, ", ")}});
}

std::string VariantFunction(const LibraryPlan& plan, const PlannedVariant& v) {
  return plan.spec->name + "_" + Identifier(v.variant->workload);
}

std::string VariantSignature(const LibraryPlan& plan, const PlannedOperator& planned,
                             const PlannedVariant& v) {
  return Signature(VariantFunction(plan, v),
                   Pointers(TensorNames(planned, v)) + kWorkspaceParameters);
}

std::string PackSignature(const LibraryPlan& plan, const PlannedOperator& planned,
                          const PlannedVariant& v) {
  const std::string& constant =
      planned.contract->tensors[static_cast<size_t>(planned.contract->constant)].name;
  return Signature(VariantFunction(plan, v) + "_pack",
                   Pointers({constant, "packed"}) + kWorkspaceParameters);
}

// Those that the function which chooses by sizes may choose.
std::vector<const PlannedVariant*> Chosen(const PlannedOperator& planned) {
  std::vector<const PlannedVariant*> chosen;
  for (const PlannedVariant& v : planned.variants) {
    if (!v.packed && v.epilogue.empty()) chosen.push_back(&v);
  }
  return chosen;
}

std::string ChooseSignature(const LibraryPlan& plan, const PlannedOperator& planned) {
  return Signature(plan.spec->name + "_" + planned.op->name(),
                   ParameterList(planned) + ", " + kWorkspaceParameters);
}

std::string ChooseText(const LibraryPlan& plan, const PlannedOperator& planned) {
  const std::vector<std::string> sizes = LibraryPlan::SizeNames(*planned.op);
  std::string text = "\n" + ChooseSignature(plan, planned) + " {\n";
  for (const PlannedVariant* v : Chosen(planned)) {
    const std::vector<int64_t> values = LibraryPlan::SizesOf(*planned.op, v->variant->workload);
    std::vector<std::string> conditions;
    for (size_t i = 0; i < sizes.size(); i++) {
      conditions.push_back(fmt::format("{} == {}", sizes[i], values[i]));
    }
    text += fmt::format("  if ({}) {{\n    return {}({}, workspace, workspace_bytes);\n  }}\n",
                        absl::StrJoin(conditions, " && "), VariantFunction(plan, *v),
                        absl::StrJoin(TensorNames(planned, *v), ", "));
  }
  return text + "  return $PREFIX_NOT_TUNED;\n}\n";
}

std::string Fill(const LibraryPlan& plan, const std::string& text) {
  int64_t workspace = 0, stack = 0;
  for (const PlannedOperator& planned : plan.operators) {
    for (const PlannedVariant& v : planned.variants) {
      workspace = std::max(workspace, v.workspace_bytes);
      stack = std::max(stack, v.stack_bytes);
    }
  }
  auto marks = HeaderMarks(plan);
  marks.emplace_back("$CPU", CommentText(plan.spec->device.cpu));
  marks.emplace_back("$ALIGNMENT", "16");
  marks.emplace_back("$MOST_WORKSPACE", std::to_string(workspace));
  marks.emplace_back("$MOST_STACK", std::to_string(stack));
  return absl::StrReplaceAll(text, marks);
}

}  // namespace

std::vector<std::string> FirmwareExports(const LibraryPlan& plan) {
  std::vector<std::string> symbols = {plan.spec->name + "_error_text"};
  for (const PlannedOperator& planned : plan.operators) {
    for (const PlannedVariant& v : planned.variants) {
      symbols.push_back(VariantFunction(plan, v));
      if (v.prepare) symbols.push_back(symbols.back() + "_pack");
    }
    if (!Chosen(planned).empty()) symbols.push_back(plan.spec->name + "_" + planned.op->name());
  }
  return symbols;
}

std::string FirmwareHeaderText(const LibraryPlan& plan) {
  std::string text = kFirmwareHeaderOpening;
  for (const PlannedOperator& planned : plan.operators) {
    text += fmt::format("\n/* {}: {} */\n", planned.op->name(),
                        absl::StrReplaceAll(planned.contract->summary, {{"\n", "\n * "}}));
    for (const PlannedVariant& v : planned.variants) {
      const std::string macro = "$PREFIX_" + absl::AsciiStrToUpper(Identifier(v.variant->workload));
      text += fmt::format("\n/* {} */\n#define {}_WORKSPACE_BYTES {}\n",
                          v.variant->workload.ToText(), macro, v.workspace_bytes);
      if (v.prepare) {
        text += fmt::format("#define {}_PACKED_FLOATS {}\n{};\n", macro,
                            v.prepare->packed.elements(), PackSignature(plan, planned, v));
      }
      text += VariantSignature(plan, planned, v) + ";\n";
    }
    if (!Chosen(planned).empty()) {
      text +=
          "\n/* Whichever of these, without bias, residual and activation, has the sizes. */\n" +
          ChooseSignature(plan, planned) + ";\n";
    }
  }
  return Fill(plan, text + kHeaderClosing);
}

std::string FirmwareSourceText(const LibraryPlan& plan) {
  std::string text = kSourceOpening;
  for (const PlannedOperator& planned : plan.operators) {
    for (const PlannedVariant& v : planned.variants) {
      std::vector<BufferSpec> tensors = v.tensors;
      if (v.prepare) {
        const BufferSpec plain = tensors[static_cast<size_t>(v.prepare->input)];
        tensors[static_cast<size_t>(v.prepare->input)] = v.prepare->packed;
        const std::string& constant =
            planned.contract->tensors[static_cast<size_t>(planned.contract->constant)].name;
        text += FunctionText(v.prepare->symbol, PackSignature(plan, planned, v),
                             {constant, "packed"}, {plain, v.prepare->packed}, v.workspace_bytes);
      }
      text += FunctionText(v.symbol, VariantSignature(plan, planned, v), TensorNames(planned, v),
                           tensors, v.workspace_bytes);
    }
    if (!Chosen(planned).empty()) text += ChooseText(plan, planned);
  }
  return Fill(plan, text);
}

}  // namespace halyard
