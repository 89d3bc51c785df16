// Recorded spaces with a known cost, made without a board.
#pragma once

#include <cmath>
#include <stdexcept>

#include "logs/recorded_space.h"
#include "schedules/restricted_space.h"

namespace halyard {

inline Device RecordedDevice() {
  Device d;
  d.id = "test";
  d.triplet = "x86_64-linux-gnu";
  d.halide_target = "x86-64-linux-avx2";
  d.cores = 2;
  d.vector_bytes = 32;
  d.vector_registers = 16;
  d.memory_bytes = int64_t{4} << 30;
  d.caches = {{32 << 10, 64, 1}, {1 << 20, 64, 2}};
  return d;
}

// A bowl around the middle of each knob with a wrinkle; every eleventh config fails.
inline RecordedResult SyntheticResult(const ScheduleSpace& space, const Config& c, size_t place) {
  if (place % 11 == 5) return {Outcome::kBuildError, 0};
  double cost = 1;
  for (size_t k = 0; k < c.size(); k++) {
    const double last = static_cast<double>(space.knobs()[k].values.size()) - 1;
    const double off = last > 0 ? c[k] / last - 0.6 : 0;
    cost += off * off + (c[k] % 2 == 1 ? 0.05 : 0);
  }
  return {Outcome::kOk, static_cast<float>(1000 * cost)};
}

inline RecordedSpace SyntheticSpace(const std::string& workload = "softmax:512x300:f32",
                                    const std::vector<KnobSubset>& subsets = {
                                        {"unroll", {"1", "4"}},
                                        {"grain", {"1", "4", "16", "64"}}}) {
  const Task whole = MakeTask(ParseWorkload(workload).value(), RecordedDevice());
  const Restriction kept = ParseRestriction(whole.space, subsets).value();
  const Task part = RestrictTask(whole, kept).value();
  RecordedSpace space;
  space.workload = workload;
  space.device = whole.device;
  space.unit = "ns";
  space.space_version = whole.space.version();
  space.knobs = RestrictionText(whole.space, kept);
  space.protocol = 2;
  space.compiler = "a compiler";
  space.environment = "quiet";
  space.provenance = "a test";
  const std::vector<uint64_t> valid = ValidIndices(part.space);
  space.valid_crc32 = Crc32OfIndices(valid);
  for (size_t i = 0; i < valid.size(); i++) {
    space.results.push_back(SyntheticResult(part.space, part.space.config_at(valid[i]), i));
  }
  // The safe config runs: a search starts with it.
  for (size_t i = 0; i < valid.size(); i++) {
    if (valid[i] == part.space.index_of(part.space.safe())) {
      space.results[i] = {Outcome::kOk, 4000};
    }
  }
  return space;
}

inline RecordedTask SyntheticTask() {
  return BindRecordedSpace(SyntheticSpace(), "synthetic.space").value();
}

}  // namespace halyard
