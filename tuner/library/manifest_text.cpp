#include <nlohmann/json.hpp>

#include "tuner/library/generated_text.h"

namespace halyard {
namespace {

using Json = nlohmann::ordered_json;

Json RecordJson(const Variant& v) {
  const Record& r = v.record;
  const size_t samples =
      v.record_samples ? static_cast<size_t>(*v.record_samples) : r.samples.size();
  return {{"id", r.id},
          {"value", r.value()},
          {"unit", r.unit},
          {"samples", samples},
          {"phase", r.phase},
          {"checks", r.checks},
          {"board", r.board},
          {"board_kind", BoardKindName(r.board_kind)},
          {"environment", r.environment},
          {"compiler", r.compiler},
          {"space_version", r.space_version},
          {"protocol", r.protocol},
          {"artifact_sha256", r.artifact_sha256},
          {"seed", r.seed},
          {"time_unix_ms", r.time_unix_ms}};
}

Json GateJson(const GateNote& gate) {
  Json j = {
      {"verdict", gate.verdict}, {"reason", gate.reason}, {"against_sha256", gate.against_sha256}};
  if (gate.seed != 0) j["seed"] = gate.seed;
  if (gate.ratio > 0) {
    j["rounds"] = gate.rounds;
    j["ratio"] = {{"mean", gate.ratio}, {"low", gate.ratio_low}, {"high", gate.ratio_high}};
  }
  return j;
}

Json VariantJson(const PlannedVariant& v) {
  Json j = {{"workload", v.variant->workload.ToText()},
            {"config", v.variant->record.config},
            {"symbol", v.symbol},
            {"packed", v.packed},
            {"object_sha256", v.object_sha256},
            {"record", RecordJson(*v.variant)}};
  if (v.variant->gate) j["gate"] = GateJson(*v.variant->gate);
  return j;
}

}  // namespace

std::string ManifestText(const LibraryPlan& plan, const std::string& halide_compiler,
                         const std::string& c_compiler,
                         const std::map<std::string, std::string>& digests) {
  const LibrarySpec& spec = *plan.spec;
  const BoardKind kind =
      spec.variants.empty() ? spec.device.board_kind() : spec.variants.front().record.board_kind;
  Json variants = Json::array(), fallbacks = Json::array();
  for (const PlannedOperator& planned : plan.operators) {
    for (const PlannedVariant& v : planned.variants) {
      variants.push_back(VariantJson(v));
      if (spec.device.has_os()) continue;
      variants.back()["workspace_bytes"] = v.workspace_bytes;
      variants.back()["stack_bytes"] = v.stack_bytes;
    }
    if (planned.fallback_path.empty()) continue;
    fallbacks.push_back({{"operator", planned.op->name()},
                         {"symbol", planned.fallback_symbol},
                         {"object_sha256", planned.fallback_sha256}});
  }
  Json manifest = {
      {"format", kManifestFormat},
      {"name", spec.name},
      {"halyard_version", HALYARD_VERSION},
      {"commit", spec.commit},
      {"device",
       {{"id", spec.device.id},
        {"description", spec.device.description},
        {"cpu", spec.device.cpu},
        {"halide_target", spec.device.halide_target},
        {"triplet", spec.device.triplet}}},
      {"board_kind", BoardKindName(kind)},
      {"unit", spec.variants.empty() ? (kind == BoardKind::kVirtual ? "virtual_cycles" : "ns")
                                     : spec.variants.front().record.unit},
      {"compiler", halide_compiler},
      {"c_compiler", c_compiler},
      {"files", digests},
      {"variants", variants},
      {"fallbacks", fallbacks}};
  // Logged text may come from a board; what is not UTF-8 in it must not stop a nightly build.
  return manifest.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace halyard
