#include "tuner/screening.h"

#include <algorithm>

#include "fmt/format.h"

namespace halyard {
namespace {

constexpr int kFirstSamples = 2, kFurtherSamples = 3;
// The share of a batch that is looked at again, and how far behind the incumbent none is.
constexpr size_t kQuarter = 4;
constexpr double kTooFarBehind = 1.2;

}  // namespace

absl::Status Screening::Screen(const std::vector<Config>& configs, const Callbacks& callbacks) {
  const bool timed = bench_.task.device.board_kind() == BoardKind::kPhysical;
  callbacks.phase(fmt::format("building {}", configs.size()));
  const std::vector<BuildResult> built = runner_.Build(configs);
  std::vector<Candidate> ok;
  for (size_t i = 0; i < configs.size(); i++) {
    if (callbacks.stop()) return absl::OkStatus();
    callbacks.phase("measuring");
    TimingPolicy policy;
    policy.incumbent_ns = callbacks.incumbent();
    policy.samples = kFirstSamples;
    const auto record = runner_.Measure(configs[i], built[i], policy);
    if (!record.ok()) return record.status();
    if (record->outcome == Outcome::kOk) {
      ok.push_back({&configs[i], &built[i], record->samples, record->value()});
    }
    callbacks.taken(configs[i], built[i], *record);
  }
  return timed && !callbacks.stop() ? Refine(std::move(ok), callbacks) : absl::OkStatus();
}

absl::Status Screening::Refine(std::vector<Candidate> candidates, const Callbacks& callbacks) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  candidates.resize(candidates.size() / kQuarter);
  const double limit = kTooFarBehind * callbacks.incumbent();
  std::erase_if(candidates, [&](const Candidate& c) { return c.value > limit; });
  if (candidates.empty()) return absl::OkStatus();
  callbacks.phase("measuring again");
  std::vector<Config> configs;
  std::vector<BuildResult> built;
  double round_ns = 0;
  for (const Candidate& c : candidates) {
    configs.push_back(*c.config);
    built.push_back(*c.built);
    round_ns += c.value;
  }
  const auto records = runner_.MeasureTogether(configs, built, kFurtherSamples, 1e-9 * round_ns);
  if (!records.ok()) return records.status();
  for (size_t i = 0; i < records->size(); i++) {
    Record all = (*records)[i];
    all.samples.insert(all.samples.end(), candidates[i].samples.begin(),
                       candidates[i].samples.end());
    callbacks.refined(configs[i], all);
  }
  return absl::OkStatus();
}

}  // namespace halyard
