// A report as the data of its page.
#pragma once

#include <string>

#include "tuner/report/report.h"

namespace halyard {

// One JSON object. What there is of each trial is in columns, a list of numbers each, so that
// 100,000 trials take some megabytes and a browser parses them in some tenths of a second; the
// page's data.js says how they are read. Holds no '<', so that it may stand in a <script>.
std::string ReportJson(const Report& report);

}  // namespace halyard
