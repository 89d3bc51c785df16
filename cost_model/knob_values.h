// A config's knob values under the names that operators of schedules/ give their knobs, read by
// position instead of by name: the search reads hundreds of thousands of configs a second.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "schedules/schedule_space.h"

namespace halyard {

enum KnobId : size_t {
  kVec,
  kRegM,
  kRegN,
  kTileM,
  kTileN,
  kKBlock,
  kKSplit,
  kUnrollK,
  kOrder,     // 1: n_outer
  kInner,     // 1: m_outer
  kPackA,     // 0 none, 1 tile, 2 root
  kPackB,     // and 3 ahead
  kParallel,  // 0 serial, 1 outer (or yes), 2 both
  kTail,      // 1: shift
  kForm,      // the label's place among the operator's forms, see knob_values.cpp
  kInput,     // 0 tile, 1 root, 2 plain, 3 inline
  kRowsKnob,
  kWinogradKnob,
  kRegY,
  kLanesKnob,  // 1: queries
  kM,
  kL,
  kSLane,
  kSRow,
  kOLane,
  kORow,
  kUnrollD,
  kSweep,  // 1: queries_inner
  kGrain,
  kPartials,
  kUnroll,
  kBlock,
  kKnobCount
};

using KnobValues = std::array<double, kKnobCount>;

// Immutable after construction.
class KnobReader {
 public:
  explicit KnobReader(const std::vector<Knob>& knobs);

  // Knobs that the space does not have are NaN, and so are labels without a meaning here.
  // REQUIRES: a position in range for each knob.
  KnobValues Read(const Config& config) const;

  // Knobs of a name that is not known, or with a label that is not; by position.
  struct Unknown {
    size_t knob;
    std::string name;
    double last;  // its last position, at least 1
  };
  const std::vector<Unknown>& unknown() const { return unknown_; }

 private:
  struct Source {
    KnobId id;
    size_t knob;
    std::vector<double> values;
  };
  std::vector<Source> sources_;
  std::vector<Unknown> unknown_;
};

}  // namespace halyard
