#include "tuner/explain/ablation_study.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "fmt/format.h"
#include "tuner/candidate_runner.h"

namespace halyard {
namespace {

// Few enough for an interrupt to be answered soon, several for each build worker.
constexpr size_t kBuildBatch = 8;
// What runs in turn shares a process and its memory; the config itself is one of them.
constexpr size_t kMostInGroup = 8;
constexpr int kFewestRounds = 5;
constexpr double kGroupSeconds = 15;
// A board that fails this often in a row is not coming back by itself.
constexpr int kMostLossesInARow = 3;

class Study {
 public:
  Study(const StudyBench& bench, const Config& config, const std::vector<KnobAblations>& chosen,
        const ShowPhase& show)
      : bench_(bench), show_(show), runner_(bench.task, bench.executor, bench.seed) {
    study_.config = config;
    candidates_.push_back({config});
    std::map<Config, size_t> seen = {{config, 0}};
    for (const KnobAblations& knob : chosen) {
      for (const Ablation& a : knob.ablations) {
        const auto [at, fresh] = seen.try_emplace(a.config, candidates_.size());
        if (fresh) candidates_.push_back({a.config});
        study_.results.emplace_back().ablation = a;
        candidate_of_.push_back(at->second);
      }
    }
  }

  absl::StatusOr<AblationStudy> Run() {
    Build();
    if (absl::Status s = Screen(); !s.ok()) return s;
    if (IsTimed(bench_.executor.board_kind())) {
      if (absl::Status s = Interleave(); !s.ok()) return s;
    }
    for (size_t i = 0; i < study_.results.size(); i++) {
      study_.results[i] = ResultOf(study_.results[i].ablation, candidates_[candidate_of_[i]]);
    }
    study_.interrupted = bench_.interrupted;
    return std::move(study_);
  }

 private:
  // The config is the first of them; two knobs may share an ablation.
  struct Candidate {
    Config config;
    BuildResult built = {};
    MeasureResult screened = {};
    bool done = false;  // screened, or known to have failed
    std::vector<double> samples = {}, beside = {};
    bool confirmed = false;

    bool ok() const { return done && screened.outcome == Outcome::kOk; }
  };

  void Build() {
    for (size_t begin = 0; begin < candidates_.size() && !bench_.interrupted;) {
      const size_t end = std::min(begin + kBuildBatch, candidates_.size());
      show_(fmt::format("building {} of {}", end, candidates_.size()));
      std::vector<BuildRequest> requests;
      for (size_t i = begin; i < end; i++) {
        requests.push_back({BuildKind::kConfig, bench_.task.workload.ToText(),
                            bench_.task.space.ToText(candidates_[i].config),
                            bench_.task.device.loaded_from});
      }
      const std::vector<BuildResult> built = bench_.builder.Build(requests);
      for (size_t i = begin; i < end; i++) candidates_[i].built = built[i - begin];
      built_ = begin = end;
    }
  }

  // Each by itself first: how it ends is known then, and how long a round with it takes. One sample
  // is enough for that, and all there is to a virtual board.
  absl::Status Screen() {
    TimingPolicy once;
    once.samples = 1;
    int losses = 0;
    for (size_t i = 0; i < built_ && !bench_.interrupted; i++) {
      show_(fmt::format("checking {} of {}", i + 1, candidates_.size()));
      Candidate& c = candidates_[i];
      c.screened = {c.built.outcome, c.built.message, {}, ""};
      if (c.built.outcome == Outcome::kOk) {
        c.screened = runner_.Measure(c.config, c.built, once);
      }
      // What an interrupt of the whole process group cut short says nothing.
      if (bench_.interrupted && c.screened.outcome != Outcome::kOk) break;
      c.done = true;
      losses = IsInfrastructure(c.screened.outcome) ? losses + 1 : 0;
      if (losses == kMostLossesInARow || (i == 0 && losses > 0)) {
        return absl::UnavailableError(
            fmt::format("the last {} runs were lost: {}", losses, c.screened.message));
      }
      if (i == 0 && !c.ok()) {
        return absl::FailedPreconditionError(fmt::format("the config itself has no time: {}: {}",
                                                         OutcomeName(c.screened.outcome),
                                                         c.screened.message));
      }
      if (!IsTimed(bench_.executor.board_kind()) && c.ok()) {
        c.samples = c.screened.samples;
        c.beside = candidates_[0].screened.samples;
      }
    }
    if (!IsTimed(bench_.executor.board_kind()) && candidates_[0].ok()) {
      study_.samples = candidates_[0].samples;
    }
    return absl::OkStatus();
  }

  absl::Status Interleave() {
    std::vector<Candidate*> ok;
    for (size_t i = 1; i < candidates_.size(); i++) {
      if (candidates_[i].ok()) ok.push_back(&candidates_[i]);
    }
    if (!candidates_[0].ok()) return absl::OkStatus();
    if (absl::Status s = InGroups(ok); !s.ok()) return s;
    if (ok.empty()) study_.samples = candidates_[0].screened.samples;
    // Of dozens, one or the other is called faster by chance: it has to be so in rounds of its own
    // again, and those alone count.
    std::vector<Candidate*> faster;
    for (Candidate* c : ok) {
      if (c->samples.empty() || JudgeRatio(PairedRatio(c->samples, c->beside)) != Verdict::kFaster)
        continue;
      faster.push_back(c);
    }
    if (bench_.interrupted) return absl::OkStatus();
    if (absl::Status s = InGroups(faster); !s.ok()) return s;
    if (!bench_.interrupted) {
      for (Candidate* c : faster) c->confirmed = true;
    }
    return absl::OkStatus();
  }

  // Those that take about as long together, so that the slow ones, which differ clearly, take the
  // time of few rounds and the others have many.
  absl::Status InGroups(std::vector<Candidate*> candidates) {
    std::stable_sort(candidates.begin(), candidates.end(), [](Candidate* a, Candidate* b) {
      return a->screened.samples[0] < b->screened.samples[0];
    });
    const size_t groups = (candidates.size() + GroupSize() - 1) / GroupSize();
    for (size_t g = 0; g < groups && !bench_.interrupted; g++) {
      // Of even sizes, not a few full ones and one with what is left.
      const auto begin = static_cast<std::ptrdiff_t>(g * candidates.size() / groups);
      const auto end = static_cast<std::ptrdiff_t>((g + 1) * candidates.size() / groups);
      const std::vector<Candidate*> group(candidates.begin() + begin, candidates.begin() + end);
      if (absl::Status s = InRounds(group, g, groups); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // Each has tensors of its own, as in the final (DropWhatDoesNotFit).
  size_t GroupSize() const {
    const double one = bench_.task.op->Bytes(bench_.task.workload);
    const double fit = 0.4 * static_cast<double>(bench_.task.device.memory_bytes) / one;
    return static_cast<size_t>(std::clamp(fit, 2.0, static_cast<double>(kMostInGroup))) - 1;
  }

  absl::Status InRounds(const std::vector<Candidate*>& group, size_t number, size_t of) {
    std::vector<BuildResult> built = {candidates_[0].built};
    double ns = candidates_[0].screened.samples[0];
    for (const Candidate* c : group) {
      built.push_back(c->built);
      ns += c->screened.samples[0];
    }
    // A warm-up call may precede each sample, and a sample lasts 2 ms at least.
    const double round = std::max(2 * ns * 1e-9, 0.004 * static_cast<double>(built.size()));
    const int rounds =
        std::max(kFewestRounds, std::min(bench_.rounds, static_cast<int>(kGroupSeconds / round)));
    show_(fmt::format("group {} of {}: {} rounds of {}", number + 1, of, rounds, built.size()));
    const auto samples = runner_.Interleave(built, rounds, round);
    if (bench_.interrupted && !samples.ok()) return absl::OkStatus();
    if (!samples.ok() && group.size() > 1) {
      // One that fails beside others takes them along: each alone.
      for (Candidate* c : group) {
        if (absl::Status s = InRounds({c}, number, of); !s.ok()) return s;
      }
      return absl::OkStatus();
    }
    if (!samples.ok()) {
      Fail(*group[0], Outcome::kInfraError, std::string(samples.status().message()));
      return absl::OkStatus();
    }
    const std::vector<double>& config = samples->front();
    if (config.empty()) return absl::FailedPreconditionError("the config was wrong in the rounds");
    study_.samples.insert(study_.samples.end(), config.begin(), config.end());
    study_.rounds = std::max(study_.rounds, rounds);
    for (size_t i = 0; i < group.size(); i++) {
      Candidate& c = *group[i];
      c.samples = (*samples)[i + 1];
      c.beside = config;
      if (c.samples.empty()) Fail(c, Outcome::kWrongResult, "wrong in the rounds, right before");
    }
    return absl::OkStatus();
  }

  static void Fail(Candidate& c, Outcome outcome, const std::string& message) {
    c.screened.outcome = outcome;
    c.screened.message = message;
    c.samples.clear();
    c.beside.clear();
  }

  static AblationResult ResultOf(const Ablation& ablation, const Candidate& c) {
    AblationResult r;
    r.ablation = ablation;
    if (!c.done) return r;
    r.outcome = c.screened.outcome;
    r.message = c.screened.message;
    r.artifact_sha256 = c.built.sha256;
    r.verdict = c.ok() ? Verdict::kNotMeasured : Verdict::kFailed;
    if (c.samples.empty()) return r;
    r.samples = c.samples;
    r.beside = c.beside;
    r.confirmed = c.confirmed;
    r.ratio = PairedRatio(c.samples, c.beside);
    // A count is the same every time.
    if (c.samples.size() == 1) r.ratio.low = r.ratio.high = r.ratio.mean;
    r.verdict = JudgeRatio(r.ratio);
    return r;
  }

  const StudyBench& bench_;
  const ShowPhase& show_;
  CandidateRunner runner_;
  std::vector<Candidate> candidates_;
  std::vector<size_t> candidate_of_;  // of each result
  size_t built_ = 0;
  AblationStudy study_;
};

}  // namespace

Verdict JudgeRatio(const RatioInterval& ratio) {
  if (ratio.low > 1 + kWorthHaving) return Verdict::kCosts;
  if (ratio.high < 1 - kWorthHaving) return Verdict::kFaster;
  const bool tells = ratio.low > 1 - kTooNoisy && ratio.high < 1 + kTooNoisy;
  return tells ? Verdict::kNoDifference : Verdict::kUnclear;
}

double AblationStudy::value() const { return MedianSample(samples); }

absl::StatusOr<AblationStudy> StudyAblations(const StudyBench& bench, const Config& config,
                                             const std::vector<KnobAblations>& chosen,
                                             const ShowPhase& show) {
  return Study(bench, config, chosen, show).Run();
}

}  // namespace halyard
