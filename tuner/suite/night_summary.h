// A night in one paragraph, for a person's mail, a chat and a CI's log; and in one object.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tuner/gate/gate.h"
#include "tuner/suite/suite_summary.h"

namespace halyard {

struct NightDevice {
  SuiteSummary tasks;
  std::optional<GateReport> gate;
  // Nothing had changed, so that the library of another night ships on.
  bool library_kept = false;
  bool shipped_before = false;  // earlier this night, before it was stopped
  std::string lost;             // why its board was given up, or ""
};

struct NightSummary {
  std::string file;
  std::vector<NightDevice> devices;
  double seconds = 0, board_seconds = 0;  // since the night began, stops included
  std::optional<double> board_budget_seconds;
  std::string stopped_because;  // of the searches; "" where there was none
};

// One line that names what a reader would act upon, however many devices: what is lost, wrong or
// slower first. No newline.
std::string NightParagraph(const NightSummary& night);

// The tables of all devices, the gate's, and the paragraph; ends with a newline.
std::string NightText(const NightSummary& night);
nlohmann::json NightJson(const NightSummary& night);

}  // namespace halyard
