// The essentials of a report, for a terminal.
#pragma once

#include <string>

#include "tuner/report/report.h"

namespace halyard {

// Within 80 columns as far as names allow, no control characters; ends with a newline. Times are
// local.
std::string ReportText(const Report& report);

}  // namespace halyard
