#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kFused[] = R"(
/* $FUNCTION with an epilogue in the same pass over $OUTPUT:
 *   $OUTPUT = activation(y + bias + residual), y what $FUNCTION writes
 *   bias [$CHANNELS], read, may be NULL
 *   residual [$EXTENTS], read, may be NULL
 * activation: one of enum $NAME_activation. Tuned for combinations of activation, bias and
 * residual, in parts, too; any other is $FUNCTION and then a pass over $OUTPUT: right, but
 * slower. */
$CALL;
$QUERY;

/* The same with `$CONSTANT` laid out ahead, as for $FUNCTION_packed. Pack with the very
 * same sizes and activation, and with has_bias and has_residual 1 where the pointers will not be
 * NULL, else 0. */
$FLOATS;
$PACK;
$PACKED_CALL;
$PACKED_QUERY;
)";

std::string EpilogueSizes(const PlannedOperator& planned) {
  return SizeParameters(planned) + ", int activation, int has_bias, int has_residual";
}

const std::string& ConstantOf(const PlannedOperator& planned) {
  return planned.contract->tensors[static_cast<size_t>(planned.contract->constant)].name;
}

std::string Named(const std::string& library, const PlannedOperator& planned,
                  const std::string& suffix) {
  return library + "_" + planned.op->name() + suffix;
}

}  // namespace

std::string FusedSignature(const std::string& library, const PlannedOperator& planned,
                           bool packed) {
  const auto& tensors = planned.contract->tensors;
  std::string parameters = SizeParameters(planned) + ", int activation";
  for (size_t i = 0; i + 1 < tensors.size(); i++) {
    const bool constant = packed && static_cast<int>(i) == planned.contract->constant;
    parameters += ", const float* " + (constant ? "packed" : tensors[i].name);
  }
  parameters += ", const float* bias, const float* residual, float* " + tensors.back().name;
  return Signature(Named(library, planned, packed ? "_fused_packed" : "_fused"), parameters);
}

std::string FusedQuerySignature(const std::string& library, const PlannedOperator& planned,
                                bool packed) {
  return Signature(
      fmt::format("{}_is_tuned_{}_fused{}", library, planned.op->name(), packed ? "_packed" : ""),
      EpilogueSizes(planned));
}

std::string FusedFloatsSignature(const std::string& library, const PlannedOperator& planned) {
  return Signature(Named(library, planned, "_fused_packed_floats"),
                   EpilogueSizes(planned) + ", int64_t* floats");
}

std::string FusedPackSignature(const std::string& library, const PlannedOperator& planned) {
  return Signature(
      Named(library, planned, "_fused_pack"),
      EpilogueSizes(planned) + ", const float* " + ConstantOf(planned) + ", float* packed");
}

std::string ActivationEnumerators() {
  std::string text;
  for (const AttributeSpec& a : EpilogueAttributes()) {
    for (size_t i = 0; i < a.labels.size(); i++) {
      text += fmt::format("{}  $PREFIX_ACTIVATION_{} = {}", i == 0 ? "" : ",\n",
                          absl::AsciiStrToUpper(a.labels[i]), i);
    }
  }
  return text;
}

std::string HeaderFusedText(const std::string& library, const PlannedOperator& planned) {
  const TensorContract& output = planned.contract->tensors.back();
  return absl::StrReplaceAll(kFused,
                             {{"$FUNCTION", Named(library, planned, "")},
                              {"$OUTPUT", output.name},
                              {"$CHANNELS", output.extents.back()},
                              {"$EXTENTS", absl::StrJoin(output.extents, "][")},
                              {"$CONSTANT", ConstantOf(planned)},
                              {"$CALL", FusedSignature(library, planned, false)},
                              {"$QUERY", FusedQuerySignature(library, planned, false)},
                              {"$FLOATS", FusedFloatsSignature(library, planned)},
                              {"$PACK", FusedPackSignature(library, planned)},
                              {"$PACKED_CALL", FusedSignature(library, planned, true)},
                              {"$PACKED_QUERY", FusedQuerySignature(library, planned, true)}});
}

}  // namespace halyard
