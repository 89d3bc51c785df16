// Devices for people at a terminal and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rpc_farm/measure_peak.h"
#include "targets/device.h"

namespace halyard {

// Peak and copy bandwidth as the device file has them; none where they are to be measured.
std::optional<Peak> StatedPeak(const Device& device);

// A line for each device under one that names the columns. No line is longer than `columns`, at
// least 60; 0: descriptions are whole.
std::string DeviceListText(const std::vector<Device>& devices, size_t columns);

nlohmann::json DeviceListJson(const std::vector<Device>& devices);

// GFLOP/s that work of this many FLOP a byte moved can reach at most.
double Attainable(const Peak& peak, double flop_per_byte);

// All of one device: its roofline where `peak` is known, and what its file gives as sources.
std::string DeviceText(const Device& device, const std::optional<Peak>& peak,
                       const std::vector<std::string>& sources);

}  // namespace halyard
