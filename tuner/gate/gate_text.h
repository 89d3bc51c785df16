// What the gate let in and what it held back, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "targets/device.h"
#include "tuner/gate/gate.h"

namespace halyard {

// A line a variant, under it where there is more to say why, and what is to blame where it got
// slower. 80 columns; ends with a newline.
std::string GateText(const GateReport& report, const Device& device);

nlohmann::ordered_json GateReportJson(const GateReport& report, const Device& device);

}  // namespace halyard
