#include "schedules/choose_restriction.h"

#include <algorithm>
#include <random>

#include "fmt/format.h"

namespace halyard {
namespace {

// A replay tabulates all combinations before it starts: some seconds at this many.
constexpr double kMostCombinations = 1'000'000;
// Of the configs wanted, what good ones may take; the rest is for values drawn at random, so that
// the part has bad configs too.
constexpr double kGoodShare = 0.5;
constexpr double kMostOver = 1.1, kEnough = 0.9;
constexpr size_t kMostGood = 24;

double Combinations(const Restriction& kept) {
  double product = 1;
  for (const auto& values : kept) product *= static_cast<double>(values.size());
  return product;
}

Config ConfigAt(const Restriction& kept, uint64_t index) {
  Config c(kept.size());
  for (size_t k = 0; k < c.size(); k++) {
    c[k] = kept[k][index % kept[k].size()];
    index /= kept[k].size();
  }
  return c;
}

// Configs of the kept values that the whole space calls valid.
uint64_t CountValid(const ScheduleSpace& space, const Restriction& kept) {
  const auto combinations = static_cast<int64_t>(Combinations(kept));
  uint64_t valid = 0;
#pragma omp parallel for schedule(static) reduction(+ : valid)
  for (int64_t i = 0; i < combinations; i++) {
    valid += space.valid(ConfigAt(kept, static_cast<uint64_t>(i))) ? 1 : 0;
  }
  return valid;
}

void Keep(std::vector<int>& values, int value) {
  const auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at == values.end() || *at != value) values.insert(at, value);
}

bool Has(const std::vector<int>& values, int value) {
  return std::binary_search(values.begin(), values.end(), value);
}

// Drops what no valid config uses, other than what was asked for by name.
void DropIdleValues(const ScheduleSpace& space, const std::vector<bool>& fixed, Restriction& kept) {
  Restriction used(kept.size());
  const auto combinations = static_cast<uint64_t>(Combinations(kept));
  for (uint64_t i = 0; i < combinations; i++) {
    const Config c = ConfigAt(kept, i);
    bool news = false;
    for (size_t k = 0; k < c.size(); k++) news = news || !Has(used[k], c[k]);
    if (!news || !space.valid(c)) continue;
    for (size_t k = 0; k < c.size(); k++) Keep(used[k], c[k]);
  }
  for (size_t k = 0; k < kept.size(); k++) {
    if (!fixed[k]) kept[k] = std::move(used[k]);
  }
}

class Chooser {
 public:
  Chooser(const ScheduleSpace& space, const RestrictionRequest& request, Restriction kept,
          std::vector<bool> fixed)
      : space_(space), request_(request), kept_(std::move(kept)), fixed_(std::move(fixed)) {}

  ChosenRestriction Choose() {
    valid_ = CountValid(space_, kept_);
    AddGood();
    AddRandom();
    DropIdleValues(space_, fixed_, kept_);
    return {kept_, valid_};
  }

 private:
  // The values of good configs, best first, each where there is room for it; the best in any case.
  void AddGood() {
    for (size_t g = 0; g < request_.good.size() && g < kMostGood; g++) {
      Restriction more = kept_;
      for (size_t k = 0; k < more.size(); k++) {
        if (!fixed_[k]) Keep(more[k], request_.good[g][k]);
      }
      if (Combinations(more) > kMostCombinations) continue;
      const uint64_t valid = CountValid(space_, more);
      if (g > 0 && static_cast<double>(valid) > kGoodShare * request_.configs) continue;
      kept_ = std::move(more);
      valid_ = valid;
    }
  }

  // Rounds in which every knob, in a random order, gets one more of its values, as long as that
  // gives a valid config and not too many.
  void AddRandom() {
    std::mt19937_64 rng(request_.seed);
    const double enough = kEnough * request_.configs;
    for (bool grew = true; grew && static_cast<double>(valid_) < enough;) {
      grew = false;
      for (const size_t k : Shuffled(kept_.size(), rng)) {
        if (!fixed_[k] && AddValue(k, rng)) grew = true;
        if (static_cast<double>(valid_) >= enough) break;
      }
    }
  }

  bool AddValue(size_t knob, std::mt19937_64& rng) {
    for (const size_t value : Shuffled(space_.knobs()[knob].values.size(), rng)) {
      if (Has(kept_[knob], static_cast<int>(value))) continue;
      // Valid configs stay valid, so only those with the new value are counted.
      Restriction with_it = kept_;
      with_it[knob] = {static_cast<int>(value)};
      const double combined = Combinations(kept_) + Combinations(with_it);
      if (combined > kMostCombinations) return false;
      const uint64_t gained = CountValid(space_, with_it);
      if (gained == 0) continue;
      if (static_cast<double>(valid_ + gained) > kMostOver * request_.configs) continue;
      Keep(kept_[knob], static_cast<int>(value));
      valid_ += gained;
      return true;
    }
    return false;
  }

  // Not std::shuffle: its order differs between standard libraries.
  static std::vector<size_t> Shuffled(size_t n, std::mt19937_64& rng) {
    std::vector<size_t> order(n);
    for (size_t i = 0; i < n; i++) {
      const auto at = static_cast<size_t>((static_cast<unsigned __int128>(rng()) * (i + 1)) >> 64);
      order[i] = order[at];
      order[at] = i;
    }
    return order;
  }

  const ScheduleSpace& space_;
  const RestrictionRequest& request_;
  Restriction kept_;
  std::vector<bool> fixed_;
  uint64_t valid_ = 0;
};

}  // namespace

absl::StatusOr<ChosenRestriction> ChooseRestriction(const ScheduleSpace& space,
                                                    const RestrictionRequest& request) {
  absl::StatusOr<Restriction> kept = ParseRestriction(space, request.fixed);
  if (!kept.ok()) return kept.status();
  std::vector<bool> fixed;
  const std::vector<Knob>& knobs = space.knobs();
  for (size_t k = 0; k < knobs.size(); k++) {
    const auto named = [&](const KnobSubset& s) { return s.knob == knobs[k].name; };
    fixed.push_back(std::any_of(request.fixed.begin(), request.fixed.end(), named));
    if (!fixed[k]) (*kept)[k] = {space.safe()[k]};
    if (!Has((*kept)[k], space.safe()[k])) {
      return absl::InvalidArgumentError(
          fmt::format("knob '{}' leaves out {}, which the safe config has; every search measures "
                      "that first, so keep it",
                      knobs[k].name, knobs[k].text(space.safe()[k])));
    }
  }
  if (Combinations(*kept) > kMostCombinations) {
    return absl::InvalidArgumentError(
        fmt::format("{:.3g} combinations of the values given, more than {:.0f}; give fewer",
                    Combinations(*kept), kMostCombinations));
  }
  return Chooser(space, request, *std::move(kept), std::move(fixed)).Choose();
}

}  // namespace halyard
