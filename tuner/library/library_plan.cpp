#include "tuner/library/library_plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/ascii.h"
#include "fmt/format.h"
#include "schedules/task.h"
#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

absl::Status CheckName(const std::string& name) {
  const bool good = !name.empty() && absl::ascii_isalpha(name[0]) &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "library name '{}' is not a C identifier; give letters, digits and underscores, a letter "
      "first, such as tuned_rpi4",
      name));
}

absl::Status CheckVariant(const Variant& v, const Variant& first, const Device& device) {
  const Record& r = v.record;
  const std::string text = v.workload.ToText();
  const std::string who = fmt::format("record {} of {}", r.id, text);
  if (r.outcome != Outcome::kOk || r.samples.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} ended in '{}'; give one that was measured", who, OutcomeName(r.outcome)));
  }
  if (r.workload != text) {
    return absl::InvalidArgumentError(
        fmt::format("{} is a measurement of {}; give one of that workload", who, r.workload));
  }
  if (r.device != device.id) {
    return absl::InvalidArgumentError(
        fmt::format("{} was measured on {}; give one measured on {}", who, r.device, device.id));
  }
  if (r.unit != first.record.unit || r.board_kind != first.record.board_kind) {
    return absl::InvalidArgumentError(fmt::format(
        "{} is in {} of a {} board, record {} in {} of a {} board; give records of one kind", who,
        r.unit, BoardKindName(r.board_kind), first.record.id, first.record.unit,
        BoardKindName(first.record.board_kind)));
  }
  const int version = MakeTask(v.workload, device).space.version();
  if (r.space_version != version) {
    return absl::FailedPreconditionError(fmt::format(
        "{} is of space version {}, these sources have {}, so its config would build another "
        "program; tune again or build the commit that measured it",
        who, r.space_version, version));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsPacked(const Workload& w) {
  const auto attribute = w.attributes.find(kPackedAttribute);
  return attribute != w.attributes.end() && attribute->second != 0;
}

std::vector<AttributeSpec> LibraryPlan::CallAttributes(const Operator& op) {
  std::vector<AttributeSpec> attributes = op.attributes();
  std::erase_if(attributes, [](const AttributeSpec& a) {
    return a.name == kPackedAttribute || IsEpilogueAttribute(a.name);
  });
  return attributes;
}

bool LibraryPlan::HasEpilogue(const Operator& op) {
  const std::vector<AttributeSpec> attributes = op.attributes();
  return std::any_of(attributes.begin(), attributes.end(),
                     [](const AttributeSpec& a) { return IsEpilogueAttribute(a.name); });
}

std::vector<std::string> LibraryPlan::SizeNames(const Operator& op) {
  std::vector<std::string> names = op.dim_names();
  for (const AttributeSpec& a : CallAttributes(op)) names.push_back(a.name);
  return names;
}

std::vector<int64_t> LibraryPlan::SizesOf(const Operator& op, const Workload& workload) {
  std::vector<int64_t> sizes = workload.shape;
  for (const AttributeSpec& a : CallAttributes(op)) sizes.push_back(workload.attribute(a.name));
  return sizes;
}

std::vector<std::string> LibraryPlan::ExportedSymbols() const {
  std::vector<std::string> symbols = {spec->name + "_error_text", spec->name + "_set_threads",
                                      spec->name + "_free_scratch"};
  for (const std::string& function : HooksExports()) symbols.push_back(spec->name + function);
  for (const PlannedOperator& planned : operators) {
    const std::string op = planned.op->name();
    symbols.push_back(spec->name + "_" + op);
    symbols.push_back(spec->name + "_is_tuned_" + op);
    if (planned.contract->constant < 0) continue;
    std::vector<std::string> kinds = {op};
    if (LibraryPlan::HasEpilogue(*planned.op)) {
      kinds.push_back(op + "_fused");
      symbols.push_back(spec->name + "_" + kinds.back());
      symbols.push_back(spec->name + "_is_tuned_" + kinds.back());
    }
    for (const std::string& kind : kinds) {
      for (const char* suffix : {"_pack", "_packed", "_packed_floats"}) {
        symbols.push_back(spec->name + "_" + kind + suffix);
      }
      symbols.push_back(spec->name + "_is_tuned_" + kind + "_packed");
    }
  }
  return symbols;
}

absl::StatusOr<LibraryPlan> PlanLibrary(const LibrarySpec& spec) {
  if (auto s = CheckName(spec.name); !s.ok()) return s;
  LibraryPlan plan{&spec, absl::AsciiStrToUpper(spec.name), {}};
  // In the order of the variants; bias, residual and activation are all 0 without an epilogue.
  using EpilogueKey = std::tuple<bool, bool, Activation>;
  using Key = std::tuple<EpilogueKey, bool, std::vector<int64_t>>;  // epilogue, packed, sizes
  std::map<std::string, std::map<Key, const Variant*>> by_operator;
  for (const Variant& v : spec.variants) {
    const Operator* op = FindOperator(v.workload.op);
    if (op == nullptr) {
      return absl::InvalidArgumentError(fmt::format("no operator '{}'", v.workload.op));
    }
    if (auto s = CheckVariant(v, spec.variants.front(), spec.device); !s.ok()) return s;
    const Epilogue e = EpilogueOf(v.workload);
    const Key key = {{e.bias, e.residual, e.activation},
                     IsPacked(v.workload),
                     LibraryPlan::SizesOf(*op, v.workload)};
    if (!by_operator[v.workload.op].emplace(key, &v).second) {
      return absl::InvalidArgumentError(
          fmt::format("{} stands twice; give one record a workload", v.workload.ToText()));
    }
  }
  for (const std::string& name : OperatorNames()) {
    PlannedOperator planned;
    planned.op = FindOperator(name);
    planned.contract = FindContract(name);
    if (planned.contract == nullptr) {
      return absl::FailedPreconditionError(
          fmt::format("operator '{}' has no entry in operator_contract.cpp, so its C function "
                      "cannot be written",
                      name));
    }
    planned.fallback_symbol = fmt::format("{}_{}_any", spec.name, name);
    for (const auto& [key, variant] : by_operator[name]) {
      PlannedVariant v;
      v.packed = std::get<1>(key);
      v.epilogue = EpilogueOf(variant->workload);
      v.variant = variant;
      v.symbol = fmt::format("{}_{}_v{}", spec.name, name, planned.variants.size());
      planned.variants.push_back(v);
    }
    plan.operators.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace halyard
