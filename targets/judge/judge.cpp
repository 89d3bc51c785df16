#include "targets/judge/judge.h"

#include <algorithm>
#include <thread>

namespace halyard {
namespace {

using std::chrono::nanoseconds;

// Of a sample by the judge's clock: the worker's settling ahead of it, and both processes' waking.
constexpr int64_t kSlackNs = 150'000;
constexpr int64_t kSlackPart = 50;
constexpr int kTries = 6;
// Nobody is as late as this by chance.
constexpr int64_t kLateFactor = 4;
constexpr int64_t kLateNs = 20'000'000;

void SleepNs(double ns) { std::this_thread::sleep_for(nanoseconds(static_cast<int64_t>(ns))); }

}  // namespace

Answer Judge::Request(const Ask& ask) {
  worker_.Put(ask);
  const std::optional<Answer> answer = worker_.Take();
  if (!answer) throw WorkerGone{};
  if (answer->failed != 0) throw Failed{answer->TextLine(), answer->rejected != 0};
  return *answer;
}

void Judge::Load(uint32_t slot, const EntrySpec& spec, uint32_t candidate, uint32_t entry,
                 int64_t offset) {
  if (std::string why = JudgedEntry::WhyInvalid(spec); !why.empty()) throw Failed{why, true};
  if (entries_.size() <= slot) entries_.resize(slot + 1);
  entries_[slot].reset();
  entries_[slot] = std::make_unique<JudgedEntry>(spec, seed_, memory_, offset);
  Ask ask{Ask::What::kLoad, slot, candidate, entry};
  ask.offset = offset;
  Request(ask);
}

EntryResult Judge::CheckedRun(uint32_t slot) {
  Ask run{Ask::What::kRun, slot};
  run.runs = 1;
  return Checked(run, /*even_unprepared=*/false);
}

EntryResult Judge::CountedRun(uint32_t slot, bool caches_warm) {
  Ask count{Ask::What::kCount, slot};
  count.runs = 1;
  count.caches_warm = caches_warm ? 1 : 0;
  // The plugin is to see every kernel, one that could not be prepared too.
  return Checked(count, /*even_unprepared=*/true);
}

EntryResult Judge::Checked(Ask run, bool even_unprepared) {
  JudgedEntry& entry = *entries_[run.slot];
  entry.PoisonOutput();
  Answer answer = Request({Ask::What::kPrepare, run.slot});
  entry.NotePacked();
  const bool prepared = answer.kernel_error == 0;
  if (!prepared) run.runs = 0;
  if (prepared || even_unprepared) {
    const Answer ran = Request(run);
    if (prepared) answer = ran;
  }
  EntryResult result;
  result.kernel_error = answer.kernel_error;
  result.kernel_message = answer.TextLine();
  entry.ReadOutput(&result);
  return result;
}

double Judge::TimeOnce(uint32_t slot, int64_t runs, EntryResult* result, Credit* credit) {
  JudgedEntry& entry = *entries_[slot];
  entry.PoisonPlaces();
  Ask ask{Ask::What::kRun, slot};
  ask.runs = runs;
  const int64_t asked = MonotonicNs();
  const Answer answer = Request(ask);
  const int64_t answered = MonotonicNs();
  if (!entry.PlacesAgree()) result->reruns_agree = false;
  if (answer.kernel_error != 0) result->kernel_error = answer.kernel_error;
  const bool possible = answer.begin_ns >= asked && answer.end_ns <= answered;
  const int64_t told = possible ? answer.end_ns - answer.begin_ns : 0;
  const int64_t seen = answered - asked;
  const bool credible = told > 0 && seen - told <= kSlackNs + seen / kSlackPart;
  *credit = credible                                           ? Credit::kGiven
            : told > 0 && seen <= kLateFactor * told + kLateNs ? Credit::kAskedAgain
                                                               : Credit::kRefused;
  return static_cast<double>(credible ? told : seen) / static_cast<double>(runs);
}

double Judge::Time(uint32_t slot, int64_t runs, EntryResult* result) {
  // Who is kept from a core by others is late, and not lying; but then nobody can tell.
  double shortest = 0;
  for (int i = 0; i < kTries; ++i) {
    Credit credit{};
    const double ns = TimeOnce(slot, runs, result, &credit);
    if (credit != Credit::kAskedAgain) return ns;
    shortest = i == 0 ? ns : std::min(shortest, ns);
  }
  return shortest;
}

std::optional<Rewriting> Judge::WatchOnce(uint32_t slot, double run_ns, int64_t runs) {
  JudgedEntry& entry = *entries_[slot];
  Ask ask{Ask::What::kRun, slot};
  ask.runs = runs;
  worker_.Put(ask);
  std::uniform_real_distribution<double> when(0.2, 0.5);
  SleepNs(when(chance_) * run_ns * static_cast<double>(runs));
  const int64_t place = entry.PoisonOnePlace();
  SleepNs(2 * run_ns);
  const bool in_time = entry.IsRewritten(place);
  // If so, the last run may have been past the place when it was poisoned.
  const bool over = worker_.Await(nanoseconds(0));
  if (!worker_.Take()) throw WorkerGone{};
  if (over) return std::nullopt;
  if (in_time) return Rewriting::kInTime;
  return entry.IsRewritten(place) ? Rewriting::kInTheEnd : Rewriting::kNever;
}

Rewriting Judge::Watch(uint32_t slot, double run_ns) {
  // Long enough for a judge that sleeps in between to see the middle of it.
  constexpr double kAtLeastNs = 2e6;
  constexpr double kAtLeastRuns = 8;
  auto runs = static_cast<int64_t>(std::max(kAtLeastRuns, kAtLeastNs / run_ns));
  // Where others want the cores too, the judge comes when they are over, or the worker is kept from
  // its core in the middle.
  std::optional<Rewriting> best;
  for (int i = 0; i < kTries && best != Rewriting::kInTime; ++i) {
    const std::optional<Rewriting> seen = WatchOnce(slot, run_ns, runs);
    if (!seen) runs *= 2;
    if (seen && (!best || *seen < *best)) best = seen;
  }
  return best.value_or(Rewriting::kInTheEnd);
}

void Judge::CheckOutput(uint32_t slot, EntryResult* result) const {
  if (!entries_[slot]->OutputAgrees()) result->reruns_agree = false;
}

void Judge::CheckIntegrity(uint32_t slot, EntryResult* result) const {
  entries_[slot]->CheckIntegrity(result);
}

void Judge::End() { worker_.Put({Ask::What::kEnd}); }

}  // namespace halyard
