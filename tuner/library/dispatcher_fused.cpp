#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/dispatcher_parts.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

// An operator with an epilogue. One table of all its variants; which inputs a kernel has depends on
// the epilogue, so kernels are called through their arrays of arguments.
constexpr char kTable[] = R"(
static const struct $OP_fused_variant {
  int64_t key[$KEY_COUNT]; /* $SIZES, bias, residual, activation, packed */
  struct shape tensors[$FUSED_COUNT]; /* of those it has */
  int (*kernel)(void**);
  struct run run;
  struct shape plain; /* where packed: the operand as pack reads it */
  int (*pack)(halide_buffer_t*, halide_buffer_t*);
} $OP_fused_variants[] = {
$FUSED_VARIANTS    {{0}, {{0, {0}}}, NULL, {0, 0}, {0, {0}}, NULL},
};

static const struct $OP_fused_variant* find_fused_$OP(const int64_t* key) {
  for (const struct $OP_fused_variant* v = $OP_fused_variants; v->kernel != NULL; v++) {
    if (memcmp(v->key, key, sizeof v->key) == 0) return v;
  }
  return NULL;
}

/* That one, or else the one with least to do in parts, of several the largest; NULL: the operator
 * without an epilogue and a pass of its own. That pass is taken to cost no more than what it follows. */
static const struct $OP_fused_variant* nearest_fused_$OP(const int64_t* key) {
  const struct $OP_fused_variant* nearest = find_fused_$OP(key);
  if (nearest != NULL) return nearest;
  double least = 2 * time_of_$OP(nearest_unfused_$OP(key, key[$KEY_COUNT - 1] != 0), key);
  for (const struct $OP_fused_variant* v = $OP_fused_variants; v->kernel != NULL; v++) {
    const double time = time_in_parts(v->key, $KEY_COUNT, v->run, key);
    if (time < INFINITY && time <= least) least = time, nearest = v;
  }
  return nearest;
}

/* Of `data_` what the kernel does not have is NULL. */
static int call_fused_$OP(const void* variant_, const float* const* data_) {
  const struct $OP_fused_variant* const tuned_ = (const struct $OP_fused_variant*)variant_;
  halide_buffer_t buffers_[$FUSED_COUNT];
  halide_dimension_t dims_[$FUSED_COUNT][MAX_RANK];
  void* arguments_[$FUSED_COUNT];
  int count_ = 0;
  for (int i_ = 0; i_ < $FUSED_COUNT; i_++) {
    if (data_[i_] == NULL) continue;
    describe(&buffers_[count_], dims_[count_], &tuned_->tensors[count_], data_[i_]);
    arguments_[count_] = &buffers_[count_];
    count_++;
  }
  return tuned_->kernel(arguments_);
}

static int run_fused_$OP(const struct $OP_fused_variant* tuned_, int64_t asked,
                         const float* const* data_) {
  const struct problem whole_ = {call_fused_$OP, tuned_, data_, tuned_->tensors, "$FUSED_SPLIT",
                                 tuned_->key[0], asked, tuned_->run.serial};
  return status_of(run_in_parts(&whole_));
}
)";

// Twice: with the constant operand as it is and packed. $WAY is 0 or 1.
constexpr char kCall[] = R"(
$FUSED_QUERY_SIGNATURE {
  const int64_t key_[] = {$SIZES, has_bias != 0, has_residual != 0, activation, $WAY};
  return find_fused_$OP(key_) != NULL;
}

$FUSED_SIGNATURE {
  if (!is_activation(activation) || $WAY_NULLS) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t key_[] = {$SIZES, bias != NULL, residual != NULL, activation, $WAY};
  const float* const data_[] = {$FUSED_TENSORS};
  const struct $OP_fused_variant* const tuned_ = nearest_fused_$OP(key_);
  if (tuned_ != NULL) return run_fused_$OP(tuned_, $FIRST, data_);
  const int status_ = $UNFUSED($SIZES, $WAY_TENSORS);
  if (status_ != $PREFIX_OK) return status_;
  apply_epilogue(&shapes_[$TENSOR_COUNT - 1], bias, residual, activation, $OUTPUT);
  return $PREFIX_OK;
}
)";

// A tuned variant's layout is its own; without one the unfused operator's is called for.
constexpr char kPack[] = R"(
$FUSED_FLOATS_SIGNATURE {
  if (!is_activation(activation) || floats == NULL) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t key_[] = {$SIZES, has_bias != 0, has_residual != 0, activation, 1};
  const struct $OP_fused_variant* const tuned_ = nearest_fused_$OP(key_);
  if (tuned_ == NULL) return $FUNCTION_packed_floats($SIZES, floats);
  *floats = packed_floats(&tuned_->tensors[$CONSTANT_INDEX], tuned_->key[0], $PACKED_FIRST);
  return $PREFIX_OK;
}

$FUSED_PACK_SIGNATURE {
  if (!is_activation(activation) || $CONSTANT == NULL || packed == NULL) return $PREFIX_BAD_ARGUMENT;
  struct shape shapes_[$TENSOR_COUNT];
  const int refused_ = check_$OP($SIZES, shapes_);
  if (refused_ != $PREFIX_OK) return refused_;
  const int64_t key_[] = {$SIZES, has_bias != 0, has_residual != 0, activation, 1};
  const struct $OP_fused_variant* const tuned_ = nearest_fused_$OP(key_);
  if (tuned_ == NULL) return $FUNCTION_pack($SIZES, $CONSTANT, packed);
  return pack_in_parts(tuned_->pack, &tuned_->plain, $CONSTANT, &tuned_->tensors[$CONSTANT_INDEX],
                       packed, tuned_->key[0], $PACKED_FIRST);
}
)";

std::string FusedRow(const PlannedOperator& planned, const PlannedVariant& v) {
  std::vector<int64_t> key = LibraryPlan::SizesOf(*planned.op, v.variant->workload);
  const Epilogue& e = v.epilogue;
  for (const int64_t part : {int64_t{e.bias}, int64_t{e.residual},
                             static_cast<int64_t>(e.activation), int64_t{v.packed}}) {
    key.push_back(part);
  }
  std::string plain = "{0, {0}}, NULL";
  if (v.prepare) {
    plain = ShapeInitializer(v.tensors[static_cast<size_t>(v.prepare->input)]) + ", " +
            v.prepare->symbol;
  }
  return fmt::format("    {{{{{}}},\n     {{{}}},\n     {}_argv, {}, {}}},\n",
                     absl::StrJoin(key, ", "), ShapeInitializers(v), v.symbol, RunInitializer(v),
                     plain);
}

}  // namespace

std::string DispatcherFusedText(const std::string& library, const PlannedOperator& planned,
                                Marks marks) {
  std::string declarations, rows;
  for (const PlannedVariant& v : planned.variants) {
    if (v.epilogue.empty()) continue;
    declarations += fmt::format("int {}_argv(void**);\n", v.symbol);
    if (v.prepare) {
      declarations +=
          fmt::format("int {}(halide_buffer_t*, halide_buffer_t*);\n", v.prepare->symbol);
    }
    rows += FusedRow(planned, v);
  }
  const auto& tensors = planned.contract->tensors;
  const std::string function = library + "_" + planned.op->name();
  const size_t sizes = LibraryPlan::SizeNames(*planned.op).size();
  std::string split = SplitText(planned);
  split.insert(split.size() - 1, "01");  // bias, residual
  marks.insert(marks.end(), {{"$FUSED_VARIANTS", rows},
                             {"$KEY_COUNT", std::to_string(sizes + 4)},
                             {"$FUSED_COUNT", std::to_string(tensors.size() + 2)},
                             {"$FUSED_SPLIT", split},
                             {"$FUNCTION", function},
                             {"$OUTPUT", tensors.back().name},
                             {"$FUSED_FLOATS_SIGNATURE", FusedFloatsSignature(library, planned)},
                             {"$FUSED_PACK_SIGNATURE", FusedPackSignature(library, planned)}});
  std::string text = declarations + absl::StrReplaceAll(kTable, marks);
  for (const bool packed : {false, true}) {
    std::vector<std::string> names, nulls;
    for (const TensorContract& tensor : tensors) {
      const bool constant = &tensor == &tensors[static_cast<size_t>(planned.contract->constant)];
      names.push_back(packed && constant ? "packed" : tensor.name);
      nulls.push_back(names.back() + " == NULL");
    }
    std::vector<std::string> fused = names;
    fused.insert(fused.end() - 1, {"bias", "residual"});
    Marks way = marks;
    way.insert(way.end(),
               {{"$WAY", packed ? "1" : "0"},
                {"$WAY_NULLS", absl::StrJoin(nulls, " || ")},
                {"$WAY_TENSORS", absl::StrJoin(names, ", ")},
                {"$FUSED_TENSORS", absl::StrJoin(fused, ", ")},
                {"$UNFUSED", function + (packed ? "_packed" : "")},
                {"$FUSED_QUERY_SIGNATURE", FusedQuerySignature(library, planned, packed)},
                {"$FUSED_SIGNATURE", FusedSignature(library, planned, packed)}});
    text += absl::StrReplaceAll(kCall, way);
  }
  return text + absl::StrReplaceAll(kPack, marks);
}

}  // namespace halyard
