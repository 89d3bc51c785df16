#include "cost_model/knob_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace halyard {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

constexpr std::pair<std::string_view, KnobId> kNames[] = {
    {"vec", kVec},
    {"reg_m", kRegM},
    {"reg_n", kRegN},
    {"tile_m", kTileM},
    {"tile_n", kTileN},
    {"k_block", kKBlock},
    {"k_split", kKSplit},
    {"unroll_k", kUnrollK},
    {"order", kOrder},
    {"inner", kInner},
    {"pack_a", kPackA},
    {"pack_b", kPackB},
    {"parallel", kParallel},
    {"tail", kTail},
    {"form", kForm},
    {"input", kInput},
    {"rows", kRowsKnob},
    {"winograd", kWinogradKnob},
    {"reg_y", kRegY},
    {"lanes", kLanesKnob},
    {"m", kM},
    {"l", kL},
    {"s_lane", kSLane},
    {"s_row", kSRow},
    {"o_lane", kOLane},
    {"o_row", kORow},
    {"unroll_d", kUnrollD},
    {"sweep", kSweep},
    {"grain", kGrain},
    {"partials", kPartials},
    {"unroll", kUnroll},
    {"block", kBlock},
};

struct Label {
  KnobId knob;
  std::string_view text;
  double code;
};

// Codes are the same for every task, whatever labels its own knob has.
constexpr Label kLabels[] = {
    {kOrder, "m_outer", 0},
    {kOrder, "n_outer", 1},
    {kInner, "n_outer", 0},
    {kInner, "m_outer", 1},
    {kPackA, "none", 0},
    {kPackA, "tile", 1},
    {kPackA, "root", 2},
    {kPackB, "none", 0},
    {kPackB, "tile", 1},
    {kPackB, "root", 2},
    {kPackB, "ahead", 3},
    {kParallel, "serial", 0},
    {kParallel, "no", 0},
    {kParallel, "outer", 1},
    {kParallel, "yes", 1},
    {kParallel, "both", 2},
    {kTail, "pad", 0},
    {kTail, "shift", 1},
    {kForm, "direct", 0},
    {kForm, "im2col", 1},
    {kForm, "winograd", 2},
    {kForm, "unfused", 0},
    {kForm, "pipelined", 1},
    {kForm, "chunked", 2},
    {kForm, "store", 0},
    {kForm, "recompute", 1},
    {kForm, "online", 2},
    {kInput, "tile", 0},
    {kInput, "root", 1},
    {kInput, "plain", 2},
    {kInput, "inline", 3},
    {kLanesKnob, "keys", 0},
    {kLanesKnob, "queries", 1},
    {kSweep, "keys_inner", 0},
    {kSweep, "queries_inner", 1},
};

}  // namespace

KnobReader::KnobReader(const std::vector<Knob>& knobs) {
  for (size_t k = 0; k < knobs.size(); k++) {
    const Knob& knob = knobs[k];
    const auto known = std::find_if(std::begin(kNames), std::end(kNames),
                                    [&](const auto& n) { return n.first == knob.name; });
    bool understood = known != std::end(kNames);
    if (understood) {
      Source source{known->second, k, {}};
      for (size_t i = 0; i < knob.values.size(); i++) {
        double value = static_cast<double>(knob.values[i]);
        if (knob.categorical()) {
          const auto label = std::find_if(std::begin(kLabels), std::end(kLabels), [&](auto& l) {
            return l.knob == source.id && l.text == knob.labels[i];
          });
          value = label != std::end(kLabels) ? label->code : kNaN;
          understood = understood && label != std::end(kLabels);
        }
        source.values.push_back(value);
      }
      sources_.push_back(std::move(source));
    }
    if (!understood) {
      const double last = std::max<double>(1, static_cast<double>(knob.values.size()) - 1);
      unknown_.push_back({k, knob.name, last});
    }
  }
}

KnobValues KnobReader::Read(const Config& config) const {
  KnobValues values;
  values.fill(kNaN);
  for (const Source& s : sources_) values[s.id] = s.values[static_cast<size_t>(config[s.knob])];
  return values;
}

}  // namespace halyard
