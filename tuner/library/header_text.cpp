#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kHeaderOpening[] =
    R"(/* $NAME: tensor operators tuned by Halyard $VERSION for device $DEVICE
 * ($DESCRIPTION).
 *
 * Tensors are dense row-major float, the last dimension contiguous, with no alignment beyond a
 * float's; inputs (a residual, too) and output must not overlap. A shape that was tuned runs its
 * tuned kernel. A shape whose other sizes are tuned, with a larger first size (more rows, products,
 * images or heads), runs that kernel in parts, for which $NAME_is_tuned_... is 0; not so
 * softmax, which gains nothing by it. Any other shape runs the operator's fall-back, which is right
 * but slower. manifest.json names, for each tuned shape, the measurement behind it.
 *
 * Functions return $PREFIX_OK or another of enum $NAME_status. Nothing is written
 * where they refuse their arguments; the output is undefined after the other errors. They never
 * print, never abort, and may be called from several threads at once. They share one pool of
 * threads: as many as $NAME_set_threads says, or else the environment variable
 * HL_NUM_THREADS, or else one per CPU. A child process made by fork() starts its own.
 *
 * Link with -l$NAME -lpthread -lm.
 */
#ifndef $PREFIX_H
#define $PREFIX_H

#include <stddef.h>
#include <stdint.h>

#define $PREFIX_DEVICE "$DEVICE"
#define $PREFIX_HALYARD_VERSION "$VERSION"
/* Sizes are from 1 to this, and so is the number of elements of a tensor. */
#define $PREFIX_MAX_ELEMENTS INT32_MAX

#ifdef __cplusplus
extern "C" {
#endif

enum $NAME_status {
  $PREFIX_OK = 0,
  $PREFIX_BAD_ARGUMENT = 1,    /* a null pointer, or sizes the function's rules exclude */
  $PREFIX_UNSUPPORTED_CPU = 2, /* this CPU lacks an instruction the library was built for */
  $PREFIX_OUT_OF_MEMORY = 3,   /* no memory for a kernel's scratch */
  $PREFIX_KERNEL_FAILED = 4    /* a kernel refused; not expected of arguments that are good */
};

/* Of the functions with an epilogue. GELU is x / 2 (1 + erf(x / sqrt 2)) to 1.2e-7 max(1, |x|).
 * What becomes of a NaN is undefined. */
enum $NAME_activation {
$ACTIVATIONS
};

/* One line about a status, never NULL; static storage. */
const char* $NAME_error_text(int status);

/* Threads for all later calls, the caller's included; below 1: one per CPU. At most 256. */
void $NAME_set_threads(int threads);

/* Kernels' scratch is kept for the next call; this gives it back to where it came from. */
void $NAME_free_scratch(void);
)";

// What an operator with a constant operand has besides.
constexpr char kPacked[] = R"(
/* The same with `$CONSTANT`, where it is constant, laid out once ahead of all calls: ask for the
 * number of floats, allocate them (64-byte aligned is fastest), pack, and call with what was packed
 * and the very same sizes. Where no kernel is tuned for that or a part of it, `packed` is a copy
 * of `$CONSTANT` and the call is $FUNCTION's. What is packed belongs to this build of the
 * library. */
$FLOATS;
$PACK;
$CALL;
$QUERY;
)";

constexpr char kScratch[] =
    "The macros $PREFIX_SCRATCH_... say how many bytes of scratch a tuned shape's kernel holds at\n"
    " * once with so many threads. Blocks kept for the next call included, the library has at "
    "most\n"
    " * twice that of the C library.";

// "gemm:48x40x24,act=relu:f32" as a macro has it: GEMM_48X40X24_ACT_RELU_F32.
std::string MacroOf(const Workload& workload) {
  std::string name = absl::AsciiStrToUpper(workload.ToText());
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  return name;
}

// A constant expression for each tuned shape whose scratch is known ahead.
std::string ScratchMacros(const PlannedOperator& planned) {
  std::string text;
  for (const PlannedVariant& v : planned.variants) {
    if (!v.scratch) continue;
    if (text.empty()) text = "\n";
    text += fmt::format(
        "#define $PREFIX_SCRATCH_{}(threads) \\\n  (INT64_C({}) + (threads) * INT64_C({}))\n",
        MacroOf(v.variant->workload), v.scratch->once, v.scratch->each_thread);
  }
  return text;
}

// The documentation of one operator's functions and their declarations.
std::string OperatorText(const LibraryPlan& plan, const PlannedOperator& planned) {
  const OperatorContract& contract = *planned.contract;
  std::vector<std::string> lines = absl::StrSplit(contract.summary, '\n');
  for (const TensorContract& tensor : contract.tensors) {
    lines.push_back(fmt::format("  {} [{}], {}", tensor.name, absl::StrJoin(tensor.extents, "]["),
                                &tensor == &contract.tensors.back() ? "written" : "read"));
  }
  for (const auto& [name, expression] : contract.derived) {
    lines.push_back(fmt::format("with {} = {}", name, expression));
  }
  for (const AttributeSpec& a : LibraryPlan::CallAttributes(*planned.op)) {
    lines.push_back(fmt::format("{}: {} to {}, usually {}", a.name, a.min, a.max, a.default_value));
  }
  for (const RuleContract& rule : contract.rules) lines.push_back("Rule: " + rule.text + ".");
  if (planned.variants.empty()) lines.push_back("No shape is tuned.");
  for (const PlannedVariant& v : planned.variants) {
    lines.push_back("Tuned: " + v.variant->workload.ToText());
  }
  if (const std::string scratch = ScratchMacros(planned); !scratch.empty())
    lines.push_back(kScratch);
  const std::string function = plan.spec->name + "_" + planned.op->name();
  const std::string query = plan.spec->name + "_is_tuned_" + planned.op->name();
  std::string text = fmt::format(
      "\n/* {}\n */\n{};\n\n/* 1 where {} has a tuned kernel for these sizes, else 0. */\n{};\n",
      absl::StrJoin(lines, "\n * "), Signature(function, ParameterList(planned)), function,
      Signature(query, SizeParameters(planned)));
  text += ScratchMacros(planned);
  if (contract.constant < 0) return text;
  const std::string& constant = contract.tensors[static_cast<size_t>(contract.constant)].name;
  text += absl::StrReplaceAll(
      kPacked,
      {{"$CONSTANT", constant},
       {"$FUNCTION", function},
       {"$FLOATS",
        Signature(function + "_packed_floats", SizeParameters(planned) + ", int64_t* floats")},
       {"$PACK", Signature(function + "_pack", SizeParameters(planned) + ", const float* " +
                                                   constant + ", float* packed")},
       {"$CALL", Signature(function + "_packed", ParameterList(planned, "packed"))},
       {"$QUERY", Signature(query + "_packed", SizeParameters(planned))}});
  if (LibraryPlan::HasEpilogue(*planned.op)) text += HeaderFusedText(plan.spec->name, planned);
  return text;
}

}  // namespace

std::string Signature(const std::string& function, const std::string& parameters) {
  constexpr size_t kColumns = 98;  // room for what ends the line
  std::string text, line = fmt::format("int {}(", function);
  const std::string indent(line.size(), ' ');
  const std::vector<std::string> each = absl::StrSplit(parameters, ", ");
  for (size_t i = 0; i < each.size(); i++) {
    const std::string piece = each[i] + (i + 1 < each.size() ? "," : ")");
    if (line.size() + piece.size() + 1 > kColumns) {
      text += line + "\n";
      line = indent;
    } else if (i > 0) {
      line += " ";
    }
    line += piece;
  }
  return text + line;
}

std::string SizeParameters(const PlannedOperator& planned) {
  return absl::StrJoin(
      LibraryPlan::SizeNames(*planned.op), ", ",
      [](std::string* out, const std::string& name) { out->append("int64_t " + name); });
}

std::string ParameterList(const PlannedOperator& planned, const std::string& constant) {
  std::string text = SizeParameters(planned);
  const auto& tensors = planned.contract->tensors;
  for (size_t i = 0; i < tensors.size(); i++) {
    const bool named = !constant.empty() && static_cast<int>(i) == planned.contract->constant;
    text += fmt::format(", {}float* {}", i + 1 < tensors.size() ? "const " : "",
                        named ? constant : tensors[i].name);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> HeaderMarks(const LibraryPlan& plan) {
  return {{"$NAME", plan.spec->name},
          {"$PREFIX", plan.prefix},
          {"$DEVICE", plan.spec->device.id},
          {"$DESCRIPTION", CommentText(plan.spec->device.description)},
          {"$ABI_VERSION", std::to_string(kLibraryAbiVersion)},
          {"$VERSION", HALYARD_VERSION}};
}

std::string CommentText(const std::string& text) {
  return absl::StrReplaceAll(text, {{"*/", "* /"}, {"\n", " "}});
}

std::string HeaderText(const LibraryPlan& plan) {
  std::string text = kHeaderOpening + HooksHeaderText();
  for (const PlannedOperator& planned : plan.operators) text += OperatorText(plan, planned);
  text += kHeaderClosing;
  text = absl::StrReplaceAll(text, {{"$ACTIVATIONS", ActivationEnumerators()}});
  return absl::StrReplaceAll(text, HeaderMarks(plan));
}

}  // namespace halyard
