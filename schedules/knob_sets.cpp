#include "schedules/knob_sets.h"

#include <stdexcept>
#include <string>

namespace halyard {
namespace {

size_t FindKnob(const std::vector<Knob>& knobs, std::string_view name) {
  for (size_t i = 0; i < knobs.size(); i++) {
    if (knobs[i].name == name) return i;
  }
  throw std::out_of_range("no knob named '" + std::string(name) + "'");
}

}  // namespace

std::vector<int64_t> UpTo(std::vector<int64_t> candidates, int64_t limit) {
  std::vector<int64_t> kept;
  for (int64_t c : candidates) {
    if (c <= limit || kept.empty()) kept.push_back(c);
  }
  return kept;
}

std::vector<int64_t> VectorWidths(const Device& device) {
  const int64_t lanes = device.lanes_f32();
  std::vector<int64_t> widths;
  for (int64_t w : {lanes / 2, lanes, lanes * 2}) {
    if (w >= 4 || w == lanes) widths.push_back(w);
  }
  return widths;
}

Knob ParallelKnob(const Device& device, const std::string& serial,
                  std::vector<std::string> parallel) {
  if (!device.has_os()) parallel.clear();
  parallel.insert(parallel.begin(), serial);
  return Knob::Choice("parallel", std::move(parallel));
}

void SetKnob(const std::vector<Knob>& knobs, std::string_view name, int64_t value, Config& config) {
  const size_t k = FindKnob(knobs, name);
  config[k] = 0;
  for (size_t i = 0; i < knobs[k].values.size(); i++) {
    if (knobs[k].values[i] <= value) config[k] = static_cast<int>(i);
  }
}

void SetLabel(const std::vector<Knob>& knobs, std::string_view name, std::string_view label,
              Config& config) {
  const size_t k = FindKnob(knobs, name);
  for (size_t i = 0; i < knobs[k].labels.size(); i++) {
    if (knobs[k].labels[i] == label) {
      config[k] = static_cast<int>(i);
      return;
    }
  }
  throw std::out_of_range("knob '" + std::string(name) + "' has no value '" + std::string(label) +
                          "'");
}

void LowerUntil(const std::vector<Knob>& knobs, std::string_view name, Config& config,
                const std::function<bool(int64_t)>& fits) {
  const size_t k = FindKnob(knobs, name);
  while (config[k] > 0 && !fits(knobs[k].values[config[k]])) config[k]--;
}

void ResetKnob(const std::vector<Knob>& knobs, std::string_view name, Config& config) {
  config[FindKnob(knobs, name)] = 0;
}

}  // namespace halyard
