#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_join.h"
#include "fmt/format.h"
#include "tuner/explain/explanation.h"
#include "tuner/summary.h"

namespace halyard {
namespace {

// Of what belongs to a knob's line.
const std::string kIndent(17, ' ');

// "0.4", "31": two figures are all that the rounds can tell.
std::string Percent(double ratio) {
  const double percent = 100 * (ratio - 1);
  if (std::fabs(percent) < 0.05) return "0.0";
  return std::fabs(percent) < 9.95 ? fmt::format("{:.1f}", percent)
                                   : fmt::format("{:.0f}", percent);
}

// "(29 to 33)"; nothing where a count is exact.
std::string IntervalText(const RatioInterval& r, bool negated) {
  if (r.low == r.high) return "";
  return negated ? fmt::format("({} to {})", Percent(2 - r.high), Percent(2 - r.low))
                 : fmt::format("({} to {})", Percent(r.low), Percent(r.high));
}

std::string ChangeText(const Explanation& e, const AblationResult& r) {
  const Knob& knob = e.task.space.knobs()[r.ablation.knob];
  return fmt::format("{} -> {}", knob.text(e.study.config[r.ablation.knob]),
                     knob.text(r.ablation.config[r.ablation.knob]));
}

// What moved along, on a line of its own; "" where nothing did.
std::string AlongText(const Explanation& e, const AblationResult& r) {
  if (r.ablation.along.empty()) return "";
  std::string text = "along with it:";
  for (const size_t k : r.ablation.along) {
    const Knob& knob = e.task.space.knobs()[k];
    text += fmt::format(" {}={}", knob.name, knob.text(r.ablation.config[k]));
  }
  return Wrapped(text, kIndent) + "\n";
}

std::vector<const AblationResult*> Of(const Explanation& e, Verdict verdict) {
  std::vector<const AblationResult*> some;
  for (const AblationResult& r : e.study.results) {
    if (r.verdict == verdict) some.push_back(&r);
  }
  return some;
}

// "vec          16 -> 8                    costs    31 %  (29 to 33)", without an end.
std::string WorthText(const Explanation& e, const AblationResult& r, bool costs) {
  std::string text =
      fmt::format("    {:<12} {:<28} {} {:>5} %  {}", e.task.space.knobs()[r.ablation.knob].name,
                  ChangeText(e, r), costs ? "costs" : "saves",
                  Percent(costs ? r.ratio.mean : 2 - r.ratio.mean), IntervalText(r.ratio, !costs));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string CostLines(const Explanation& e) {
  std::vector<const AblationResult*> costs = Of(e, Verdict::kCosts);
  std::stable_sort(costs.begin(), costs.end(),
                   [](const auto* a, const auto* b) { return a->ratio.mean > b->ratio.mean; });
  std::string text;
  for (const AblationResult* r : costs) {
    text += fmt::format("{}\n{}", WorthText(e, *r, true), AlongText(e, *r));
  }
  return text;
}

std::string FasterLines(const Explanation& e) {
  std::vector<const AblationResult*> faster = Of(e, Verdict::kFaster);
  if (faster.empty()) return "";
  std::stable_sort(faster.begin(), faster.end(),
                   [](const auto* a, const auto* b) { return a->ratio.mean < b->ratio.mean; });
  std::string text =
      fmt::format("  FASTER than this config{}\n", e.record > 0 ? ": the search missed it" : "");
  for (const AblationResult* r : faster) {
    const char* again = r->confirmed ? ", twice over" : ", not confirmed";
    text +=
        fmt::format("{}{}\n{}{}\n", WorthText(e, *r, false), r->samples.size() > 1 ? again : "",
                    AlongText(e, *r), Wrapped(e.task.space.ToText(r->ablation.config), kIndent));
  }
  return text;
}

// A line or two a knob.
std::string GroupedLines(const Explanation& e, Verdict verdict, const std::string& title) {
  std::map<size_t, std::vector<std::string>> by_knob;
  for (const AblationResult* r : Of(e, verdict)) {
    const Knob& knob = e.task.space.knobs()[r->ablation.knob];
    std::string text = knob.text(r->ablation.config[r->ablation.knob]);
    for (const size_t k : r->ablation.along) {
      const Knob& other = e.task.space.knobs()[k];
      text += fmt::format(" with {}={}", other.name, other.text(r->ablation.config[k]));
    }
    const std::string interval = IntervalText(r->ratio, false);
    by_knob[r->ablation.knob].push_back(
        text + " " + (interval.empty() ? fmt::format("({})", Percent(r->ratio.mean)) : interval));
  }
  if (by_knob.empty()) return "";
  std::string text = fmt::format("  {}\n", title);
  for (const auto& [knob, values] : by_knob) {
    const std::string from = e.task.space.knobs()[knob].text(e.study.config[knob]);
    const std::string line = Wrapped(from + " -> " + absl::StrJoin(values, ", "), kIndent);
    text += fmt::format("    {:<12} {}\n", e.task.space.knobs()[knob].name,
                        line.substr(kIndent.size()));
  }
  return text;
}

std::string FailureLines(const Explanation& e) {
  std::string text;
  for (const AblationResult* r : Of(e, Verdict::kFailed)) {
    text += fmt::format("    {:<12} {:<28} {}\n{}", e.task.space.knobs()[r->ablation.knob].name,
                        ChangeText(e, *r), OutcomeName(r->outcome), AlongText(e, *r));
    if (!r->message.empty()) text += Wrapped(r->message.substr(0, 300), kIndent) + "\n";
  }
  return text.empty() ? "" : fmt::format("  failed\n{}", text);
}

// Knobs that were not changed, by the reason.
std::string LeftOutLines(const Explanation& e) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const KnobAblations& k : e.knobs) {
    const Knob& knob = e.task.space.knobs()[k.knob];
    if (!k.why_none.empty() && knob.values.size() > 1) {
      by_reason[k.why_none].push_back(knob.name + "=" + knob.text(e.study.config[k.knob]));
    }
  }
  std::string text;
  for (const auto& [reason, knobs] : by_reason) {
    text += Wrapped(absl::StrJoin(knobs, " ") + ": " + reason, "    ") + "\n";
  }
  return text.empty() ? "" : fmt::format("  not changed\n{}", text);
}

std::string KnobText(const Explanation& e) {
  const size_t open = Of(e, Verdict::kNotMeasured).size();
  std::string text = "\nWhat a knob is worth: it alone changed\n";
  if (e.study.rounds > 0) {
    text +=
        fmt::format("  timed beside the config in up to {} interleaved rounds, 95 % confidence\n",
                    e.study.rounds);
  }
  const std::string none =
      fmt::format("makes no difference: {}less than {:.0f} %",
                  e.study.rounds > 0 ? "within the noise, or " : "", 100 * kWorthHaving);
  for (const auto& part :
       {CostLines(e), FasterLines(e), GroupedLines(e, Verdict::kNoDifference, none),
        GroupedLines(e, Verdict::kUnclear, "too noisy to tell; a quieter machine or more --rounds"),
        FailureLines(e), LeftOutLines(e)}) {
    text += part;
  }
  if (open > 0) {
    text += fmt::format("  {} of {} changes were not measured: interrupted\n", open,
                        e.study.results.size());
  }
  return text;
}

std::string FeatureValue(float v) { return std::isnan(v) ? "-" : fmt::format("{:.3g}", v); }

std::string ModelText(const Explanation& e) {
  if (!e.reasons) {
    return "\nWhat the cost model goes by: there is none, with no base model and few trials\n";
  }
  const ModelReasons& m = *e.reasons;
  std::string text = fmt::format("\nWhat the cost model goes by, against {} {} configs\n",
                                 m.background, m.measured ? "other measured" : "random");
  text += fmt::format("    {:<26} {:>10} {:>10} {:>8}\n", "feature", "here", "there", "score");
  double rest = 0;
  for (size_t i = 0; i < m.features.size(); i++) {
    const FeatureReason& f = m.features[i];
    if (i >= kFeaturesShown) {
      rest += f.contribution;
      continue;
    }
    text += fmt::format("    {:<26} {:>10} {:>10} {:>+8.3f}\n", kFeatureColumns[f.feature].name,
                        FeatureValue(f.value), FeatureValue(f.background), f.contribution);
  }
  if (m.features.size() > kFeaturesShown) {
    text += fmt::format("    {:<48} {:>+8.3f}\n",
                        fmt::format("{} more", m.features.size() - kFeaturesShown), rest);
  }
  text += fmt::format(
      "    {:<48} {:>+8.3f}\n",
      fmt::format("score {:.3f}, theirs {:.3f} in the mean", m.score, m.background_score),
      m.score - m.background_score);
  text += Wrapped(
              "Score: half relative throughput, half rank in the task. There: the median; -: does "
              "not apply. Model: " +
                  m.model + ".",
              "  ") +
          "\n";
  for (const std::string& trouble : m.troubles) {
    text += fmt::format("  {} could not be computed\n", trouble);
  }
  return text;
}

std::string RooflineText(const Explanation& e) {
  const Roofline& r = e.roofline;
  const double value = e.study.value();
  std::string text = "\nPlace on the roofline\n";
  text += fmt::format("    {:.4g} ms, {:.1f} GFLOP/s, {:.1f} % of the peak of {:.1f}\n",
                      r.Milliseconds(value), r.Gflops(value), 100 * r.Gflops(value) / r.gflops_peak,
                      r.gflops_peak);
  text += fmt::format("    {:.3g} FLOPs a byte", r.flops / r.bytes);
  if (r.copy_gb_per_s > 0) {
    text += fmt::format(", the device's balance is {:.3g} ({:.1f} GB/s copied): bound by {}",
                        r.gflops_peak / r.copy_gb_per_s, r.copy_gb_per_s,
                        r.memory_bound() ? "memory" : "compute");
  } else {
    text += "; no bandwidth is known, so bound by compute";
  }
  text += fmt::format("\n    {:.1f} % of the roofline, which is {:.4g} ms\n", 100 * r.Share(value),
                      r.Milliseconds(value) * r.Share(value));
  if (r.memory_bound() && r.Share(value) > 1) {
    text += "    over 100 % of the memory's copy bandwidth: the data stays in cache between runs\n";
  }
  if (r.Gflops(value) > 1.02 * r.gflops_peak) {
    text +=
        "    over 100 % of the peak: fewer operations than the definition's, as Winograd has, or "
        "a\n"
        "    machine that was busy while its peak was measured\n";
  }
  return text;
}

}  // namespace

std::string ExplanationText(const Explanation& e) {
  std::string text = fmt::format("{} on {}\n", e.task.workload.ToText(), e.task.device.id);
  text += BoardNote(e.task.device);
  text += "\n  config    " +
          Wrapped(e.task.space.ToText(e.study.config), "            ").substr(12) + "\n";
  text += e.record > 0 ? fmt::format("  from      record {} of {}\n", e.record, e.log)
                       : std::string("  from      --config\n");
  // Interrupted before the config itself ran, there is only what the model says.
  if (!e.study.samples.empty()) text += RooflineText(e);
  text += KnobText(e);
  text += ModelText(e);
  return text;
}

}  // namespace halyard
