#include <cmath>

#include "tuner/candidate_runner.h"
#include "tuner/explain/explanation.h"

namespace halyard {
namespace {

using nlohmann::json;

json AblationJson(const Explanation& e, const AblationResult& r) {
  const std::vector<Knob>& knobs = e.task.space.knobs();
  const size_t k = r.ablation.knob;
  json along = json::object();
  for (const size_t other : r.ablation.along) {
    along[knobs[other].name] = knobs[other].text(r.ablation.config[other]);
  }
  const bool measured = r.verdict != Verdict::kNotMeasured;
  json ratio;
  if (!r.samples.empty()) {
    ratio = {{"mean", r.ratio.mean}, {"low", r.ratio.low}, {"high", r.ratio.high}};
  }
  return {{"knob", knobs[k].name},
          {"from", knobs[k].text(e.study.config[k])},
          {"to", knobs[k].text(r.ablation.config[k])},
          {"along", along},
          {"config", e.task.space.ToText(r.ablation.config)},
          {"verdict", VerdictName(r.verdict)},
          {"outcome", measured ? json(OutcomeName(r.outcome)) : json()},
          {"message", r.message},
          {"ratio", ratio},
          {"confirmed", r.confirmed},
          {"samples", r.samples},
          {"beside", r.beside},
          {"artifact_sha256", r.artifact_sha256}};
}

// null: does not apply.
json Number(float v) { return std::isnan(v) ? json() : json(v); }

json ModelJson(const ModelReasons& m) {
  json features = json::array();
  for (const FeatureReason& f : m.features) {
    features.push_back({{"name", kFeatureColumns[f.feature].name},
                        {"value", Number(f.value)},
                        {"background", Number(f.background)},
                        {"contribution", f.contribution}});
  }
  return {{"origin", m.model},
          {"score", m.score},
          {"background",
           {{"configs", m.background}, {"measured", m.measured}, {"score", m.background_score}}},
          {"features", features},
          {"not_computed", m.troubles}};
}

json RooflineJson(const Roofline& r, const AblationStudy& study) {
  json j = {{"gflops_peak", r.gflops_peak},
            {"copy_gb_per_s", r.copy_gb_per_s},
            {"flops", r.flops},
            {"bytes", r.bytes},
            {"flops_per_byte", r.flops / r.bytes},
            {"bound", r.memory_bound() ? "memory" : "compute"},
            {"gflops", nullptr},
            {"share", nullptr}};
  if (!study.samples.empty()) {
    j["gflops"] = r.Gflops(study.value());
    j["share"] = r.Share(study.value());
  }
  return j;
}

}  // namespace

json ExplanationJson(const Explanation& e) {
  json ablations = json::array(), unchanged = json::array();
  for (const AblationResult& r : e.study.results) ablations.push_back(AblationJson(e, r));
  for (const KnobAblations& k : e.knobs) {
    if (k.why_none.empty()) continue;
    unchanged.push_back({{"knob", e.task.space.knobs()[k.knob].name}, {"why", k.why_none}});
  }
  const bool measured = !e.study.samples.empty();
  return {{"workload", e.task.workload.ToText()},
          {"device", e.task.device.id},
          {"board_kind", BoardKindName(e.task.device.board_kind())},
          {"unit", UnitOf(e.task.device.board_kind())},
          {"config", e.task.space.ToText(e.study.config)},
          {"record", e.record > 0 ? json(e.record) : json()},
          {"value", measured ? json(e.study.value()) : json()},
          {"roofline", RooflineJson(e.roofline, e.study)},
          {"rounds", e.study.rounds},
          {"ablations", ablations},
          {"unchanged", unchanged},
          {"model", e.reasons ? ModelJson(*e.reasons) : json()},
          {"interrupted", e.study.interrupted},
          {"log", e.log.empty() ? json() : json(e.log)}};
}

}  // namespace halyard
