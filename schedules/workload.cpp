#include "schedules/workload.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "schedules/operator.h"

namespace halyard {
namespace {

absl::StatusOr<int64_t> ParseSize(std::string_view text, const std::string& what, int64_t min,
                                  int64_t max) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::invalid_argument || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is '{}', not a whole number; give one from {} to {}", what, text, min, max));
  }
  if (error == std::errc::result_out_of_range || value < min || value > max) {
    return absl::InvalidArgumentError(
        fmt::format("{} is {}; give a whole number from {} to {}", what, text, min, max));
  }
  return value;
}

absl::StatusOr<int64_t> ParseAttribute(const std::string& text, const AttributeSpec& spec,
                                       const std::string& shape) {
  const std::string what = fmt::format("--shape '{}': {}", shape, spec.name);
  if (spec.labels.empty()) return ParseSize(text, what, spec.min, spec.max);
  const auto label = std::find(spec.labels.begin(), spec.labels.end(), text);
  if (label != spec.labels.end()) return label - spec.labels.begin();
  return absl::InvalidArgumentError(
      fmt::format("{} is '{}'; give one of {}", what, text, absl::StrJoin(spec.labels, ", ")));
}

absl::Status CheckTensorSizes(const Operator& op, const Workload& workload) {
  auto check = [](const std::string& name, const BufferSpec& buffer) -> absl::Status {
    // Halide indexes with 32 bits, so a tensor must stay below 2^31 elements.
    double elements = 1;
    for (int64_t e : buffer.extents) elements *= static_cast<double>(e);
    if (elements < 2147483648.0) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("--shape makes tensor '{}' {:.3g} elements; give sizes that keep every tensor "
                    "below 2147483648",
                    name, elements));
  };
  const auto inputs = op.InputShapes(workload);
  const auto names = op.input_names();
  // What an epilogue reads is no larger than the output.
  for (size_t i = 0; i < names.size(); i++) {
    if (auto s = check(names[i], inputs[i]); !s.ok()) return s;
  }
  return check("output", op.OutputShape(workload));
}

}  // namespace

std::string Workload::ToText() const {
  const Operator* op_def = FindOperator(op);
  std::string text = op + ":" + (op_def ? op_def->ShapeText(*this) : absl::StrJoin(shape, "x"));
  if (op_def != nullptr) {
    for (const AttributeSpec& a : op_def->attributes()) {
      const int64_t value = attribute(a.name);
      if (value != a.default_value) text += fmt::format(",{}={}", a.name, a.text(value));
    }
  }
  return text + ":" + dtype;
}

absl::StatusOr<Workload> MakeWorkload(const std::string& op_name, const std::string& shape,
                                      const std::string& dtype) {
  const Operator* op = FindOperator(op_name);
  if (op == nullptr) {
    return absl::InvalidArgumentError(fmt::format("--op '{}' is not an operator; give one of {}",
                                                  op_name, absl::StrJoin(OperatorNames(), ", ")));
  }
  if (dtype != "f32") {
    return absl::InvalidArgumentError(
        fmt::format("--dtype '{}' is not supported; give f32", dtype));
  }
  Workload w;
  w.op = op_name;
  w.dtype = dtype;
  const std::vector<AttributeSpec> specs = op->attributes();
  for (const AttributeSpec& a : specs) w.attributes[a.name] = a.default_value;

  const std::vector<std::string> parts = absl::StrSplit(shape, ',');
  constexpr int64_t kMaxSize = std::numeric_limits<int32_t>::max();
  for (const std::string& size : std::vector<std::string>(absl::StrSplit(parts[0], 'x'))) {
    auto value = ParseSize(size, fmt::format("--shape '{}': size {}", shape, w.shape.size() + 1), 1,
                           kMaxSize);
    if (!value.ok()) return value.status();
    w.shape.push_back(*value);
  }
  std::vector<std::string> seen;
  for (size_t i = 1; i < parts.size(); i++) {
    const std::pair<std::string, std::string> kv =
        absl::StrSplit(parts[i], absl::MaxSplits('=', 1));
    const AttributeSpec* spec = nullptr;
    for (const AttributeSpec& a : specs) {
      if (a.name == kv.first) spec = &a;
    }
    if (spec == nullptr) {
      const std::string known = absl::StrJoin(
          specs, ", ", [](std::string* out, const AttributeSpec& a) { out->append(a.name + "="); });
      return absl::InvalidArgumentError(
          fmt::format("--shape '{}': '{}' is not an attribute of {}; give {}", shape, parts[i],
                      op_name, known.empty() ? "sizes only" : known));
    }
    if (std::find(seen.begin(), seen.end(), kv.first) != seen.end()) {
      return absl::InvalidArgumentError(
          fmt::format("--shape '{}': attribute '{}' stands twice; give it once", shape, kv.first));
    }
    seen.push_back(kv.first);
    auto value = ParseAttribute(kv.second, *spec, shape);
    if (!value.ok()) return value.status();
    w.attributes[kv.first] = *value;
  }
  if (auto s = op->CheckShape(w); !s.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--shape '{}': {}", shape, std::string(s.message())));
  }
  if (auto s = CheckTensorSizes(*op, w); !s.ok()) return s;
  return w;
}

absl::StatusOr<Workload> ParseWorkload(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() != 3) {
    return absl::InvalidArgumentError(
        fmt::format("workload '{}' is not OP:SHAPE:DTYPE, such as gemm:512x512x512:f32", text));
  }
  return MakeWorkload(parts[0], parts[1], parts[2]);
}

}  // namespace halyard
