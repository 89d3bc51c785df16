#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/dispatcher_parts.h"
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
  struct run run;
} $OP_variants[] = {
$VARIANTS    {{0}, {{0, {0}}}, NULL, {0, 0}},
};

static const struct $OP_variant* find_$OP(const int64_t* sizes) {
  for (const struct $OP_variant* v = $OP_variants; v->kernel != NULL; v++) {
    if (memcmp(v->sizes, sizes, sizeof v->sizes) == 0) return v;
  }
  return NULL;
}

/* That one, or else the one with least to do in parts, of several the largest; NULL: the fall-back. */
static const struct $OP_variant* nearest_$OP(const int64_t* sizes) {
  const struct $OP_variant* nearest = find_$OP(sizes);
  if (nearest != NULL || !$IN_PARTS) return nearest;
  double least = INFINITY;
  for (const struct $OP_variant* v = $OP_variants; v->kernel != NULL; v++) {
    const double time = time_in_parts(v->sizes, $SIZE_COUNT, v->run, sizes);
    if (time < INFINITY && time <= least) least = time, nearest = v;
  }
  return nearest;
}

/* The shapes of the tensors, outermost first, or what is wrong with the sizes. */
static $CHECK_SIGNATURE {
$RANGES$RULES$DERIVED$SHAPES  return cpu_supported() ? $PREFIX_OK : $PREFIX_UNSUPPORTED_CPU;
}

static int call_$OP(const void* variant_, const float* const* data_) {
  const struct $OP_variant* const tuned_ = (const struct $OP_variant*)variant_;
  halide_buffer_t buffers_[$TENSOR_COUNT];
  halide_dimension_t dims_[$TENSOR_COUNT][MAX_RANK];
  for (int i_ = 0; i_ < $TENSOR_COUNT; i_++) {
    describe(&buffers_[i_], dims_[i_], &tuned_->tensors[i_], data_[i_]);
  }
  return tuned_->kernel($BUFFERS);
}

/* `tuned_` NULL: the fall-back. */
static $RUN_SIGNATURE {
  if (tuned_ != NULL) {
    const struct problem whole_ = {call_$OP, tuned_, data_, tuned_->tensors, "$SPLIT",
                                   tuned_->sizes[0], $FIRST, tuned_->run.serial};
    return status_of(run_in_parts(&whole_));
  }
  halide_buffer_t buffers_[$TENSOR_COUNT];
  halide_dimension_t dims_[$TENSOR_COUNT][MAX_RANK];
  for (int i_ = 0; i_ < $TENSOR_COUNT; i_++) describe(&buffers_[i_], dims_[i_], &shapes_[i_], data_[i_]);
  return status_of($FALLBACK($FALLBACK_ARGUMENTS));
}

$QUERY_SIGNATURE {
  const int64_t sizes_[] = {$SIZES};
  return find_$OP(sizes_) != NULL;
}

$SIGNATURE {
  if ($NULLS) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t sizes_[] = {$SIZES};
  const float* const data_[] = {$TENSORS};
  return run_$OP(nearest_$OP(sizes_), $FIRST, shapes_, data_$ATTRIBUTES);
}
)";

// The same operator with its constant operand laid out ahead.
constexpr char kPacked[] = R"(
static const struct $OP_packed_variant {
  struct $OP_variant variant; /* takes what was packed */
  struct shape plain;         /* the operand as pack reads it */
  int (*pack)(halide_buffer_t*, halide_buffer_t*);
} $OP_packed_variants[] = {
$PACKED_VARIANTS    {{{0}, {{0, {0}}}, NULL, {0, 0}}, {0, {0}}, NULL},
};

static const struct $OP_packed_variant* find_packed_$OP(const int64_t* sizes) {
  for (const struct $OP_packed_variant* v = $OP_packed_variants; v->pack != NULL; v++) {
    if (memcmp(v->variant.sizes, sizes, sizeof v->variant.sizes) == 0) return v;
  }
  return NULL;
}

/* Time of what the functions above and below run, INFINITY where that is the fall-back. */
static double time_of_$OP(const struct $OP_variant* v, const int64_t* sizes) {
  return v == NULL ? INFINITY : time_in_parts(v->sizes, $SIZE_COUNT, v->run, sizes);
}

/* NULL: the operand stays as it is, for nearest_$OP or the fall-back. */
static const struct $OP_packed_variant* nearest_packed_$OP(const int64_t* sizes) {
  const struct $OP_packed_variant* nearest = find_packed_$OP(sizes);
  if (nearest != NULL) return nearest;
  double least = time_of_$OP(nearest_$OP(sizes), sizes);
  for (const struct $OP_packed_variant* v = $OP_packed_variants; v->pack != NULL; v++) {
    const double time = time_of_$OP(&v->variant, sizes);
    if (time < INFINITY && time <= least) least = time, nearest = v;
  }
  return nearest;
}

static const struct $OP_variant* nearest_unfused_$OP(const int64_t* sizes, int packed) {
  const struct $OP_packed_variant* const v = packed ? nearest_packed_$OP(sizes) : NULL;
  return v != NULL ? &v->variant : nearest_$OP(sizes);
}

$PACKED_QUERY_SIGNATURE {
  const int64_t sizes_[] = {$SIZES};
  return find_packed_$OP(sizes_) != NULL;
}

$FLOATS_SIGNATURE {
  if (floats == NULL) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t sizes_[] = {$SIZES};
  const struct $OP_packed_variant* const tuned_ = nearest_packed_$OP(sizes_);
  *floats = tuned_ == NULL ? elements_of(&shapes_[$CONSTANT_INDEX])
                           : packed_floats(&tuned_->variant.tensors[$CONSTANT_INDEX],
                                           tuned_->variant.sizes[0], $PACKED_FIRST);
  return $PREFIX_OK;
}

$PACK_SIGNATURE {
  if ($CONSTANT == NULL || packed == NULL) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t sizes_[] = {$SIZES};
  const struct $OP_packed_variant* const tuned_ = nearest_packed_$OP(sizes_);
  if (tuned_ == NULL) {
    memcpy(packed, $CONSTANT, (size_t)elements_of(&shapes_[$CONSTANT_INDEX]) * sizeof *packed);
    return $PREFIX_OK;
  }
  return pack_in_parts(tuned_->pack, &tuned_->plain, $CONSTANT,
                       &tuned_->variant.tensors[$CONSTANT_INDEX], packed, tuned_->variant.sizes[0],
                       $PACKED_FIRST);
}

$PACKED_SIGNATURE {
  if ($PACKED_NULLS) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t sizes_[] = {$SIZES};
  const float* const data_[] = {$PACKED_TENSORS};
  return run_$OP(nearest_unfused_$OP(sizes_, 1), $FIRST, shapes_, data_$ATTRIBUTES);
}
)";

std::string VariantRow(const PlannedOperator& planned, const PlannedVariant& v) {
  const std::string row =
      fmt::format("{{{{{}}},\n     {{{}}},\n     {}, {}}}",
                  absl::StrJoin(LibraryPlan::SizesOf(*planned.op, v.variant->workload), ", "),
                  ShapeInitializers(v), v.symbol, RunInitializer(v));
  if (!v.prepare) return fmt::format("    {},\n", row);
  const BufferSpec& plain = v.tensors[static_cast<size_t>(v.prepare->input)];
  return fmt::format("    {{{}, {}, {}}},\n", row, ShapeInitializer(plain), v.prepare->symbol);
}

// Lines that return BAD_ARGUMENT, in the order the arguments stand.
std::string RangeChecks(const PlannedOperator& planned) {
  std::string text;
  for (const std::string& name : planned.op->dim_names()) {
    text += fmt::format(
        "  if ({0} < 1 || {0} > $PREFIX_MAX_ELEMENTS) return $PREFIX_BAD_ARGUMENT;\n", name);
  }
  for (const AttributeSpec& a : LibraryPlan::CallAttributes(*planned.op)) {
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

std::string ShapeInitializer(const BufferSpec& tensor) {
  return fmt::format("{{{}, {{{}}}}}", tensor.extents.size(), absl::StrJoin(tensor.extents, ", "));
}

std::string ShapeInitializers(const PlannedVariant& v) {
  std::vector<std::string> shapes;
  for (size_t i = 0; i < v.tensors.size(); i++) {
    const bool packed = v.prepare && static_cast<int>(i) == v.prepare->input;
    shapes.push_back(ShapeInitializer(packed ? v.prepare->packed : v.tensors[i]));
  }
  return absl::StrJoin(shapes, ", ");
}

std::string RunInitializer(const PlannedVariant& v) {
  return fmt::format("{{{}, {}}}", v.variant->record.value(), v.parallel ? 0 : 1);
}

std::string SplitText(const PlannedOperator& planned) {
  std::string split;
  for (const TensorContract& tensor : planned.contract->tensors) {
    split += tensor.extents.front() == planned.op->dim_names().front() ? '1' : '0';
  }
  return split;
}

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
  std::string attributes, attribute_parameters;
  for (const AttributeSpec& a : LibraryPlan::CallAttributes(*planned.op)) {
    arguments.push_back("(int32_t)" + a.name);
    types += ", int32_t";
    attributes += ", " + a.name;
    attribute_parameters += ", int64_t " + a.name;
  }
  arguments.push_back(buffers.back());
  types += ", halide_buffer_t*";

  const std::string buffer_types = Repeat("halide_buffer_t*", tensors);
  std::string declarations, rows, packed_rows, rules, derived;
  for (const PlannedVariant& v : planned.variants) {
    if (!v.epilogue.empty()) continue;
    declarations += fmt::format("int {}({});\n", v.symbol, buffer_types);
    if (v.prepare) {
      declarations +=
          fmt::format("int {}(halide_buffer_t*, halide_buffer_t*);\n", v.prepare->symbol);
    }
    (v.prepare ? packed_rows : rows) += VariantRow(planned, v);
  }
  for (const RuleContract& rule : contract.rules) {
    rules += fmt::format("  /* {} */\n  if (!({})) return $PREFIX_BAD_ARGUMENT;\n", rule.text,
                         rule.condition);
  }
  for (const auto& [name, expression] : contract.derived) {
    derived += fmt::format("  const int64_t {} = {};\n", name, expression);
  }
  const std::string size_parameters = SizeParameters(planned), op = planned.op->name();
  const std::string function = library + "_" + op, query = library + "_is_tuned_" + op;
  const std::vector<std::string> sizes = LibraryPlan::SizeNames(*planned.op);
  Marks marks = {
      {"$OP", op},
      {"$FALLBACK", planned.fallback_symbol},
      {"$FALLBACK_TYPES", types},
      {"$FALLBACK_ARGUMENTS", absl::StrJoin(arguments, ", ")},
      {"$BUFFER_TYPES", buffer_types},
      {"$BUFFERS", absl::StrJoin(buffers, ", ")},
      {"$DECLARATIONS", declarations},
      {"$SIZE_COUNT", std::to_string(sizes.size())},
      {"$SIZES", absl::StrJoin(sizes, ", ")},
      {"$CHECK_SIGNATURE", Signature("check_" + op, size_parameters + ", struct shape* shapes_")},
      {"$RUN_SIGNATURE",
       Signature("run_" + op, fmt::format("const struct {}_variant* tuned_, int64_t {}, const "
                                          "struct shape* shapes_, const float* const* data_{}",
                                          op, sizes.front(), attribute_parameters))},
      {"$FIRST", sizes.front()},
      {"$SPLIT", SplitText(planned)},
      {"$IN_PARTS", contract.in_parts ? "1" : "0"},
      {"$ATTRIBUTES", attributes},
      {"$QUERY_SIGNATURE", Signature(query, size_parameters)},
      {"$TENSOR_COUNT", std::to_string(tensors)},
      {"$TENSORS", absl::StrJoin(names, ", ")},
      {"$VARIANTS", rows},
      {"$SIGNATURE", Signature(function, ParameterList(planned))},
      {"$NULLS", absl::StrJoin(nulls, " || ")},
      {"$RANGES", RangeChecks(planned)},
      {"$RULES", rules},
      {"$DERIVED", derived},
      {"$SHAPES", ShapeChecks(contract)}};
  if (contract.constant < 0) return absl::StrReplaceAll(kOperator, marks);

  const auto constant = static_cast<size_t>(contract.constant);
  const std::string plain = names[constant];
  names[constant] = "packed";
  nulls[constant] = "packed == NULL";
  marks.insert(
      marks.end(),
      {{"$CONSTANT", plain},
       {"$CONSTANT_INDEX", std::to_string(constant)},
       {"$PACKED_FIRST", SplitText(planned)[constant] == '1' ? sizes.front() : "0"},
       {"$PACKED_VARIANTS", packed_rows},
       {"$PACKED_TENSORS", absl::StrJoin(names, ", ")},
       {"$PACKED_NULLS", absl::StrJoin(nulls, " || ")},
       {"$PACKED_QUERY_SIGNATURE", Signature(query + "_packed", size_parameters)},
       {"$PACKED_SIGNATURE", Signature(function + "_packed", ParameterList(planned, "packed"))},
       {"$FLOATS_SIGNATURE",
        Signature(function + "_packed_floats", size_parameters + ", int64_t* floats")},
       {"$PACK_SIGNATURE", Signature(function + "_pack", size_parameters + ", const float* " +
                                                             plain + ", float* packed")}});
  const std::string text = absl::StrReplaceAll(std::string(kOperator) + kPacked, marks);
  if (!LibraryPlan::HasEpilogue(*planned.op)) return text;
  return text + DispatcherFusedText(library, planned, marks);
}

}  // namespace halyard
