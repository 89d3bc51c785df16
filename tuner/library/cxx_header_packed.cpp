#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "tuner/library/cxx_header_parts.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

constexpr char kFused[] = R"(
// `bias` and `residual` may be empty.
inline Status $OP_fused($FUSED_PARAMETERS) {
  detail::$OP_counts counts;
  if (Status s = detail::count_$OP($SIZES, counts); !s.ok()) return s;
$FUSED_SPANS  const int code =
      $FUNCTION_fused($SIZES, static_cast<int>(activation), $FUSED_DATA);
  return detail::status_of("$OP_fused", code);
}

// `$CONSTANT` laid out ahead of all calls of the same sizes, and the memory it lies in.
class Packed$CLASS {
 public:
  // In place of what was packed before, which stays where this fails.
  Status pack($SIZE_PARAMETERS, Span<const float> $CONSTANT, Epilogue epilogue = Epilogue()) {
    constexpr const char* kFunction = "Packed$CLASS::pack";
    const int activation = static_cast<int>(epilogue.activation);
    detail::$OP_counts counts;
    if (Status s = detail::count_$OP($SIZES, counts); !s.ok()) return s;
$CONSTANT_CHECK    int64_t floats = 0;
    const bool fused = !epilogue.none();
    int code =
        fused ? $FUNCTION_fused_packed_floats($SIZES, activation, epilogue.bias,
                                              epilogue.residual, &floats)
              : $FUNCTION_packed_floats($SIZES, &floats);
    if (code != $PREFIX_OK) return detail::status_of(kFunction, code);
    detail::Floats packed = detail::allocate(floats);
    if (packed == nullptr) return detail::status_of(kFunction, $PREFIX_OUT_OF_MEMORY);
    code = fused ? $FUNCTION_fused_pack($SIZES, activation, epilogue.bias, epilogue.residual,
                                        $CONSTANT.data(), packed.get())
                 : $FUNCTION_pack($SIZES, $CONSTANT.data(), packed.get());
    if (code != $PREFIX_OK) return detail::status_of(kFunction, code);
    packed_ = std::move(packed);
    counts_ = counts;
    epilogue_ = epilogue;
    $KEEP_SIZES
    return Status();
  }

  Status run($RUN_PARAMETERS) const { return run($RUN_ARGUMENTS); }

  // `bias` and `residual` empty or not, as the Epilogue of pack() says.
  Status run($RUN_FUSED_PARAMETERS) const {
    constexpr const char* kFunction = "Packed$CLASS::run";
    if (packed_ == nullptr) {
      return detail::refuse(kFunction, "nothing is packed; call pack() first");
    }
    if ((bias.size() != 0) != epilogue_.bias) {
      return detail::refuse(kFunction, epilogue_.bias ? "bias is empty; pack() was told of one"
                                                      : "bias is given; pack() was told of none");
    }
    if ((residual.size() != 0) != epilogue_.residual) {
      return detail::refuse(kFunction, epilogue_.residual
                                           ? "residual is empty; pack() was told of one"
                                           : "residual is given; pack() was told of none");
    }
    const detail::$OP_counts& counts = counts_;
$RUN_SPANS    const int activation = static_cast<int>(epilogue_.activation);
    const int code =
        epilogue_.none()
            ? $FUNCTION_packed($KEPT_SIZES, $PACKED_DATA)
            : $FUNCTION_fused_packed($KEPT_SIZES, activation, $FUSED_PACKED_DATA);
    return detail::status_of(kFunction, code);
  }

 private:
  detail::Floats packed_;
  detail::$OP_counts counts_{};
  Epilogue epilogue_;
$MEMBERS};
)";

std::string SpanCheck(const std::string& function, const std::string& tensor,
                      const std::string& wanted, bool optional) {
  return fmt::format(
      "  if (Status s = detail::check_{}({}, \"{}\", {}.size(), {}); !s.ok()) return s;\n",
      optional ? "optional" : "size", function, tensor, tensor, wanted);
}

std::string Indented(const std::string& lines) {
  return absl::StrReplaceAll("\n" + lines, {{"\n  ", "\n    "}}).substr(1);
}

}  // namespace

Tensors TensorsOf(const PlannedOperator& planned, const std::string& function, bool epilogue,
                  int skip, const std::string& in_place) {
  const auto& tensors = planned.contract->tensors;
  Tensors all;
  const auto add = [&](const std::string& name, const std::string& wanted, bool optional) {
    all.parameters.push_back("Span<const float> " + name);
    all.data.push_back(name + ".data()");
    all.checks += SpanCheck(function, name, wanted, optional);
  };
  for (size_t i = 0; i < tensors.size(); i++) {
    const std::string& name = tensors[i].name;
    const bool is_output = i + 1 == tensors.size();
    if (is_output && epilogue) {
      // Channels are a size of the operator; a class keeps it.
      add("bias", skip < 0 ? tensors.back().extents.back() : tensors.back().extents.back() + "_",
          true);
      add("residual", "counts." + name, true);
    }
    if (static_cast<int>(i) == skip) {
      all.data.push_back(in_place);
      continue;
    }
    add(name, "counts." + name, false);
    if (is_output) all.parameters.back() = "Span<float> " + name;
  }
  return all;
}

std::string CxxPackedText(const PlannedOperator& planned) {
  const std::string op = planned.op->name();
  const auto& tensors = planned.contract->tensors;
  const int constant = planned.contract->constant;
  const std::string& name = tensors[static_cast<size_t>(constant)].name;
  const std::vector<std::string> sizes = LibraryPlan::SizeNames(*planned.op);
  const Tensors fused = TensorsOf(planned, "\"" + op + "_fused\"", true);
  const Tensors run = TensorsOf(planned, "kFunction", true, constant, "packed_.get()");
  Tensors plain = TensorsOf(planned, "kFunction", false, constant, "packed_.get()");
  std::vector<std::string> kept, keep, passed;
  std::string members;
  for (const std::string& size : sizes) {
    kept.push_back(size + "_");
    keep.push_back(fmt::format("{0}_ = {0};", size));
    members += fmt::format("  int64_t {}_ = 0;\n", size);
  }
  for (size_t i = 0; i < tensors.size(); i++) {
    if (i + 1 == tensors.size()) passed.insert(passed.end(), 2, "Span<const float>()");
    if (static_cast<int>(i) != constant) passed.push_back(tensors[i].name);
  }
  return absl::StrReplaceAll(
      kFused, {{"$FUSED_PARAMETERS", SizeParameters(planned) + ", Activation activation, " +
                                         absl::StrJoin(fused.parameters, ", ")},
               {"$FUSED_SPANS", fused.checks},
               {"$FUSED_DATA", absl::StrJoin(fused.data, ", ")},
               {"$CONSTANT", name},
               {"$CONSTANT_CHECK", Indented(SpanCheck("kFunction", name, "counts." + name, false))},
               {"$CLASS", CamelCase(op)},
               {"$KEEP_SIZES", absl::StrJoin(keep, " ")},
               {"$KEPT_SIZES", absl::StrJoin(kept, ", ")},
               {"$RUN_PARAMETERS", absl::StrJoin(plain.parameters, ", ")},
               {"$RUN_ARGUMENTS", absl::StrJoin(passed, ", ")},
               {"$RUN_FUSED_PARAMETERS", absl::StrJoin(run.parameters, ", ")},
               {"$RUN_SPANS", Indented(run.checks)},
               {"$PACKED_DATA", absl::StrJoin(plain.data, ", ")},
               {"$FUSED_PACKED_DATA", absl::StrJoin(run.data, ", ")},
               {"$MEMBERS", members}});
}

}  // namespace halyard
