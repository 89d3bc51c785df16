#include "tuner/final.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "fmt/format.h"
#include "tuner/task_records.h"

namespace halyard {
namespace {

constexpr size_t kContenders = 4;
constexpr int kFewestRounds = 5, kMostRounds = 25;

// Two-sided 95 % point of Student's t; a table is exact enough at the few degrees of freedom used.
double StudentT95(size_t degrees) {
  static constexpr double kTable[] = {12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                      2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                      2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064};
  return degrees <= std::size(kTable) ? kTable[degrees - 1] : 2.0;
}

// The search's configs worth a second look: the best few, the best of each algorithm, the baseline.
std::vector<Finalist> Finalists(const Task& task, const SearchResult& search) {
  std::vector<Trial> ok;
  for (const Trial& t : search.trials) {
    if (t.ok) ok.push_back(t);
  }
  std::sort(ok.begin(), ok.end(), [](const Trial& a, const Trial& b) { return a.value < b.value; });
  std::vector<Finalist> finalists;
  auto add = [&](const std::string& label, const Trial& t) {
    for (Finalist& f : finalists) {
      if (f.config != t.config) continue;
      f.label += ", " + label;
      return;
    }
    finalists.push_back({label, t.config, t.value, {}});
  };
  for (size_t i = 0; i < std::min(ok.size(), kContenders); i++)
    add(fmt::format("#{}", i + 1), ok[i]);
  const std::string knob = task.op->algorithm_knob();
  for (const Knob& k : task.space.knobs()) {
    if (k.name != knob || knob.empty()) continue;
    for (const std::string& label : k.labels) {
      const auto best = std::find_if(ok.begin(), ok.end(), [&](const Trial& t) {
        return task.space.view(t.config).is(knob, label);
      });
      if (best != ok.end()) add("best " + label, *best);
    }
  }
  const auto baseline = std::find_if(ok.begin(), ok.end(),
                                     [&](const Trial& t) { return t.config == task.space.safe(); });
  if (baseline != ok.end()) {
    add("baseline", *baseline);
  } else if (IsTimed(task.device.board_kind())) {
    // Its screening may have been too noisy for a time; every report has a baseline all the same.
    add("baseline", {task.space.safe(), true, 0});
  }
  return finalists;
}

// Builds what has no artifact any more (trials of an earlier run) and the peer. Finalists that
// cannot be built drop out.
std::vector<BuildResult> BuildFinalists(const Workbench& bench, const SearchResult& search,
                                        std::vector<Finalist>& finalists,
                                        std::string& peer_failed) {
  const Task& task = bench.task;
  std::vector<BuildRequest> requests;
  for (const Finalist& f : finalists) {
    requests.push_back({BuildKind::kConfig, task.workload.ToText(), task.space.ToText(f.config),
                        task.device.loaded_from});
  }
  if (bench.options.peer == "adams2019") {
    finalists.push_back({"Halide Adams2019", {}, 0, {}});
    requests.push_back(
        {BuildKind::kAdams2019, task.workload.ToText(), "", task.device.loaded_from});
  }
  std::vector<BuildRequest> missing;
  std::vector<BuildResult> built(finalists.size());
  std::vector<size_t> slots;
  for (size_t i = 0; i < finalists.size(); i++) {
    const auto known = finalists[i].config.empty()
                           ? search.artifacts.end()
                           : search.artifacts.find(task.space.index_of(finalists[i].config));
    if (known != search.artifacts.end()) {
      built[i] = known->second;
    } else {
      slots.push_back(i);
      missing.push_back(requests[i]);
    }
  }
  const std::vector<BuildResult> fresh = bench.builder.Build(missing);
  for (size_t i = 0; i < slots.size(); i++) built[slots[i]] = fresh[i];
  for (size_t i = finalists.size(); i-- > 0;) {
    if (built[i].outcome == Outcome::kOk) continue;
    if (finalists[i].config.empty()) peer_failed = built[i].message;
    finalists.erase(finalists.begin() + static_cast<std::ptrdiff_t>(i));
    built.erase(built.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return built;
}

// A finalist without a screening, as a peer is, has nothing to tell how long a round with it takes,
// and it must be right as well; one sample says both. One that fails drops out.
double RoundSeconds(const Workbench& bench, std::vector<Finalist>& finalists,
                    std::vector<BuildResult>& built, std::string& peer_failed) {
  double ns = 0;
  CandidateRunner runner(bench.task, bench.executor, bench.options.seed);
  TimingPolicy once;
  once.samples = 1;
  for (size_t i = finalists.size(); i-- > 0;) {
    Finalist& f = finalists[i];
    if (f.screening > 0) {
      ns += f.screening;
      continue;
    }
    const MeasureResult m = runner.Measure(f.config, built[i], once);
    if (m.outcome == Outcome::kOk) {
      ns += m.samples.front();
      continue;
    }
    if (f.config.empty()) peer_failed = m.message;
    finalists.erase(finalists.begin() + static_cast<std::ptrdiff_t>(i));
    built.erase(built.begin() + static_cast<std::ptrdiff_t>(i));
  }
  // A warm-up call may precede each sample, and a sample lasts 2 ms at least.
  return std::max(2 * ns * 1e-9, 0.004 * static_cast<double>(finalists.size()));
}

// Of a finalist that was run again beside the others.
Record FinalRecord(const Workbench& bench, const Finalist& finalist, const BuildResult& built,
                   bool won) {
  Record r = RecordOf(bench, bench.executor, finalist.config);
  // The winner's record alone is final, so that the log itself says what ships; the others' samples
  // are further screenings of theirs.
  r.phase = won ? "final" : "screening";
  r.message = kFinalMessage;
  r.artifact_sha256 = built.sha256;
  if (finalist.samples.empty()) {
    r.outcome = Outcome::kWrongResult;
    r.message += kWrongAgain;
    return r;
  }
  r.outcome = Outcome::kOk;
  r.samples = finalist.samples;
  r.checks = "probe,poison,guards,finite,inputs";
  return r;
}

// `winner`: none where every finalist was wrong.
absl::Status LogFinal(const Workbench& bench, const std::vector<Finalist>& finalists,
                      const std::vector<BuildResult>& built, std::optional<size_t> winner,
                      FinalResult& result) {
  std::vector<Record> records;
  size_t final_record = 0;
  for (size_t i = 0; i < built.size(); i++) {
    if (finalists[i].config.empty()) continue;
    if (winner == i) final_record = records.size();
    records.push_back(FinalRecord(bench, finalists[i], built[i], winner == i));
  }
  if (records.empty()) {
    // Nothing was run again: the winner's screening is what it ships on.
    RecordFilter filter = RecordsOfTask(bench.task);
    filter.outcome = Outcome::kOk;
    const auto logged = bench.log.Query(filter);
    if (!logged.ok()) return logged.status();
    for (const Record& r : *logged) {
      if (r.config == bench.task.space.ToText(result.winner)) result.winner_record = r.id;
    }
    return absl::OkStatus();
  }
  if (auto s = bench.log.Append(records); !s.ok()) return s;
  if (winner) result.winner_record = records[final_record].id;
  return absl::OkStatus();
}

// A time that was screened on a right answer by chance is no time.
void DropWhatWasWrong(std::vector<Finalist>& finalists, std::string& peer_failed) {
  std::erase_if(finalists, [&](const Finalist& f) {
    if (!f.samples.empty()) return false;
    if (f.config.empty()) peer_failed = "it gave a wrong answer when run again beside the others";
    return true;
  });
}

}  // namespace

double MedianSample(std::vector<double> v) {
  const auto middle = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), middle, v.end());
  return *middle;
}

void DropWhatDoesNotFit(const Task& task, size_t peers, std::vector<Finalist>& finalists) {
  const double one = task.op->Bytes(task.workload);
  const auto most = static_cast<size_t>(0.4 * static_cast<double>(task.device.memory_bytes) / one);
  const auto middle = [&] {
    return std::find_if(finalists.rbegin(), finalists.rend(),
                        [&](const Finalist& f) { return f.config != task.space.safe(); });
  };
  while (finalists.size() > 2 && finalists.size() + peers > most) {
    finalists.erase(std::next(middle()).base());
  }
}

double Finalist::value() const { return samples.empty() ? screening : MedianSample(samples); }

RatioInterval PairedRatio(const std::vector<double>& a, const std::vector<double>& b) {
  const size_t n = std::min(a.size(), b.size());
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++) sum += std::log(a[i] / b[i]);
  const double mean = sum / static_cast<double>(n);
  for (size_t i = 0; i < n; i++) {
    const double d = std::log(a[i] / b[i]) - mean;
    squares += d * d;
  }
  if (n < 2) return {std::exp(mean), 0, HUGE_VAL};
  const double error =
      StudentT95(n - 1) * std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
  return {std::exp(mean), std::exp(mean - error), std::exp(mean + error)};
}

size_t ChooseWinner(const std::vector<std::vector<double>>& times, double worthwhile) {
  size_t winner = 0;
  for (size_t i = 1; i < times.size(); i++) {
    if (times[i].empty()) continue;
    if (times[winner].empty() || PairedRatio(times[i], times[winner]).high < 1 - worthwhile)
      winner = i;
  }
  return winner;
}

absl::StatusOr<FinalResult> RunFinal(const Workbench& bench, const SearchResult& search,
                                     double seconds, SearchObserver& observer) {
  FinalResult result;
  std::vector<Finalist> finalists = Finalists(bench.task, search);
  size_t winner = 0;
  std::vector<BuildResult> built;
  if (IsTimed(bench.executor.board_kind()) && !bench.interrupted) {
    DropWhatDoesNotFit(bench.task, bench.options.peer == "none" ? 0 : 1, finalists);
    observer.OnPhase(fmt::format("final: building {}", finalists.size()));
    built = BuildFinalists(bench, search, finalists, result.peer_failed);
    const double round = RoundSeconds(bench, finalists, built, result.peer_failed);
    result.rounds = std::clamp(static_cast<int>(seconds / round), kFewestRounds, kMostRounds);
    observer.OnPhase(fmt::format("final: {} rounds of {}", result.rounds, finalists.size()));
    CandidateRunner runner(bench.task, bench.executor, bench.options.seed);
    auto samples = runner.Interleave(built, result.rounds, round);
    if (!samples.ok()) {
      return absl::UnavailableError("final: " + std::string(samples.status().message()));
    }
    std::vector<std::vector<double>> contenders;
    for (size_t i = 0; i < finalists.size(); i++) {
      finalists[i].samples = (*samples)[i];
      if (!finalists[i].config.empty()) contenders.push_back((*samples)[i]);
    }
    winner = ChooseWinner(contenders);
    if (finalists[winner].samples.empty()) {
      if (auto s = LogFinal(bench, finalists, built, std::nullopt, result); !s.ok()) return s;
      return absl::InternalError("no finalist was right a second time");
    }
  }
  result.winner = finalists[winner].config;
  result.winner_value = finalists[winner].value();
  if (auto s = LogFinal(bench, finalists, built, winner, result); !s.ok()) return s;
  finalists[winner].label = "winner, " + finalists[winner].label;
  if (!built.empty()) DropWhatWasWrong(finalists, result.peer_failed);
  result.baseline = bench.task.space.safe();
  for (Finalist& f : finalists) {
    if (f.config == result.baseline) result.baseline_value = f.value();
  }
  std::stable_sort(finalists.begin(), finalists.end(),
                   [](const Finalist& a, const Finalist& b) { return a.value() < b.value(); });
  result.table = std::move(finalists);
  return result;
}

}  // namespace halyard
