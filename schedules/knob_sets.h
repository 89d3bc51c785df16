// Small helpers for writing an operator's knobs.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schedules/schedule_space.h"
#include "targets/device.h"

namespace halyard {

inline int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The candidates that are not above `limit`; the smallest one at least.
std::vector<int64_t> UpTo(std::vector<int64_t> candidates, int64_t limit);

// Lanes per vector value: the device's register, half of it, and twice it (two registers).
std::vector<int64_t> VectorWidths(const Device& device);

// `serial` and, where the device has threads, the ways to use them.
Knob ParallelKnob(const Device& device, const std::string& serial,
                  std::vector<std::string> parallel);

// Set a knob of a config by name; an unknown value falls to the nearest one below.
void SetKnob(const std::vector<Knob>& knobs, std::string_view name, int64_t value, Config& config);
void SetLabel(const std::vector<Knob>& knobs, std::string_view name, std::string_view label,
              Config& config);
// Lowers a knob to the largest value, from its present one down, that `fits`; to the first where
// none does.
void LowerUntil(const std::vector<Knob>& knobs, std::string_view name, Config& config,
                const std::function<bool(int64_t)>& fits);
void ResetKnob(const std::vector<Knob>& knobs, std::string_view name, Config& config);

}  // namespace halyard
