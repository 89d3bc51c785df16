#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

// One operator. Locals end in an underscore where an operator's own names could meet them.
constexpr char kOperator[] = R"(
/* ---- $OP ---- */
typedef int (*$OP_kernel)($BUFFER_TYPES);
int $FALLBACK($FALLBACK_TYPES);
$DECLARATIONS
static const struct $OP_variant {
  int64_t sizes[$SIZE_COUNT]; /* $SIZES */
  struct shape tensors[$TENSOR_COUNT]; /* $TENSORS */
  $OP_kernel kernel;
} $OP_variants[] = {
$VARIANTS    {{0}, {{0, {0}}}, NULL},
};

static const struct $OP_variant* find_$OP(const int64_t* sizes) {
  for (const struct $OP_variant* v = $OP_variants; v->kernel != NULL; v++) {
    if (memcmp(v->sizes, sizes, sizeof v->sizes) == 0) return v;
  }
  return NULL;
}

$QUERY_SIGNATURE {
  const int64_t sizes_[] = {$SIZES};
  return find_$OP(sizes_) != NULL;
}

$SIGNATURE {
  if ($NULLS) return $PREFIX_BAD_ARGUMENT;
$RANGES$RULES$DERIVED  struct shape shapes_[$TENSOR_COUNT];
$SHAPES  if (!cpu_supported()) return $PREFIX_UNSUPPORTED_CPU;

  const int64_t sizes_[] = {$SIZES};
  const float* const data_[] = {$TENSORS};
  const struct $OP_variant* const tuned_ = find_$OP(sizes_);
  halide_buffer_t buffers_[$TENSOR_COUNT];
  halide_dimension_t dims_[$TENSOR_COUNT][MAX_RANK];
  for (int i_ = 0; i_ < $TENSOR_COUNT; i_++) {
    describe(&buffers_[i_], dims_[i_], tuned_ != NULL ? &tuned_->tensors[i_] : &shapes_[i_], data_[i_]);
  }
  if (tuned_ != NULL) return status_of(tuned_->kernel($BUFFERS));
  return status_of($FALLBACK($FALLBACK_ARGUMENTS));
}
)";

std::string ShapeInitializer(const BufferSpec& tensor) {
  return fmt::format("{{{}, {{{}}}}}", tensor.extents.size(), absl::StrJoin(tensor.extents, ", "));
}

std::string VariantRow(const PlannedOperator& planned, const PlannedVariant& v) {
  return fmt::format("    {{{{{}}},\n     {{{}}},\n     {}}},\n",
                     absl::StrJoin(LibraryPlan::SizesOf(*planned.op, v.variant->workload), ", "),
                     absl::StrJoin(v.tensors, ", ",
                                   [](std::string* out, const BufferSpec& tensor) {
                                     out->append(ShapeInitializer(tensor));
                                   }),
                     v.symbol);
}

// Lines that return BAD_ARGUMENT, in the order the arguments stand.
std::string RangeChecks(const PlannedOperator& planned) {
  std::string text;
  for (const std::string& name : planned.op->dim_names()) {
    text += fmt::format(
        "  if ({0} < 1 || {0} > $PREFIX_MAX_ELEMENTS) return $PREFIX_BAD_ARGUMENT;\n", name);
  }
  for (const AttributeSpec& a : planned.op->attributes()) {
    text += fmt::format("  if ({0} < {1} || {0} > {2}) return $PREFIX_BAD_ARGUMENT;\n", a.name,
                        a.min, a.max);
  }
  return text;
}

std::string ShapeChecks(const OperatorContract& contract) {
  std::string text;
  for (size_t i = 0; i < contract.tensors.size(); i++) {
    const auto& extents = contract.tensors[i].extents;
    text += fmt::format(
        "  shapes_[{0}] = shape_of({1}, (const int64_t[]){{{2}}});\n"
        "  if (shapes_[{0}].rank == 0) return $PREFIX_BAD_ARGUMENT;\n",
        i, extents.size(), absl::StrJoin(extents, ", "));
  }
  return text;
}

std::string Repeat(const std::string& text, size_t times) {
  return absl::StrJoin(std::vector<std::string>(times, text), ", ");
}

}  // namespace

std::string DispatcherOperatorText(const std::string& library, const PlannedOperator& planned) {
  const OperatorContract& contract = *planned.contract;
  const size_t tensors = contract.tensors.size();
  std::vector<std::string> names, nulls, buffers;
  for (size_t i = 0; i < tensors; i++) {
    names.push_back(contract.tensors[i].name);
    nulls.push_back(contract.tensors[i].name + " == NULL");
    buffers.push_back(fmt::format("&buffers_[{}]", i));
  }
  // The fall-back takes attributes as scalars between its inputs and its output.
  std::vector<std::string> arguments(buffers.begin(), buffers.end() - 1);
  std::string types = Repeat("halide_buffer_t*", tensors - 1);
  for (const AttributeSpec& a : planned.op->attributes()) {
    arguments.push_back("(int32_t)" + a.name);
    types += ", int32_t";
  }
  arguments.push_back(buffers.back());
  types += ", halide_buffer_t*";

  const std::string buffer_types = Repeat("halide_buffer_t*", tensors);
  std::string declarations, rows, rules, derived;
  for (const PlannedVariant& v : planned.variants) {
    declarations += fmt::format("int {}({});\n", v.symbol, buffer_types);
    rows += VariantRow(planned, v);
  }
  for (const RuleContract& rule : contract.rules) {
    rules += fmt::format("  /* {} */\n  if (!({})) return $PREFIX_BAD_ARGUMENT;\n", rule.text,
                         rule.condition);
  }
  for (const auto& [name, expression] : contract.derived) {
    derived += fmt::format("  const int64_t {} = {};\n", name, expression);
  }
  const std::vector<std::string> sizes = LibraryPlan::SizeNames(*planned.op);
  return absl::StrReplaceAll(
      kOperator,
      {{"$OP", planned.op->name()},
       {"$FALLBACK", planned.fallback_symbol},
       {"$FALLBACK_TYPES", types},
       {"$FALLBACK_ARGUMENTS", absl::StrJoin(arguments, ", ")},
       {"$BUFFER_TYPES", buffer_types},
       {"$BUFFERS", absl::StrJoin(buffers, ", ")},
       {"$DECLARATIONS", declarations},
       {"$SIZE_COUNT", std::to_string(sizes.size())},
       {"$SIZES", absl::StrJoin(sizes, ", ")},
       {"$QUERY_SIGNATURE",
        Signature(library + "_is_tuned_" + planned.op->name(), SizeParameters(planned))},
       {"$TENSOR_COUNT", std::to_string(tensors)},
       {"$TENSORS", absl::StrJoin(names, ", ")},
       {"$VARIANTS", rows},
       {"$SIGNATURE", Signature(library + "_" + planned.op->name(), ParameterList(planned))},
       {"$NULLS", absl::StrJoin(nulls, " || ")},
       {"$RANGES", RangeChecks(planned)},
       {"$RULES", rules},
       {"$DERIVED", derived},
       {"$SHAPES", ShapeChecks(contract)}});
}

}  // namespace halyard
