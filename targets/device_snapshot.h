// A device as it was when something was recorded on it, what detection found included: enough to
// make the same schedule space and the same features on another machine, and to tell whether two
// records are of the same hardware.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "targets/device.h"

namespace halyard {

// Of a virtual board also the file's `virtual_board`, which its counts depend on.
nlohmann::json DeviceSnapshot(const Device& device);

// Throws nlohmann::json::exception on anything missing or mistyped. `virtual_board` is not read: no
// space needs it, and its form may have changed since.
Device DeviceFromSnapshot(const nlohmann::json& snapshot);

struct HardwareDifference {
  std::string field;
  nlohmann::json then, now;
  // "clock_ghz 1.5, now 1.8"; of lists and objects the field alone.
  std::string ToText() const;
};

// The fields of a snapshot that HardwareDifferences compares, as text that is equal where they are.
// REQUIRES: `snapshot` is the text of one.
std::string HardwareText(const std::string& snapshot);

// What a time depends on and differs between two snapshots: processor, cores, clock, vectors,
// caches, and on virtual boards how they count. Not what only describes (id, description, address)
// or may be known better later (peaks, memory). A field that only one of them has, as of another
// version of this program, says nothing. Empty: records of the two may be ranked together.
std::vector<HardwareDifference> HardwareDifferences(const nlohmann::json& then,
                                                    const nlohmann::json& now);

}  // namespace halyard
