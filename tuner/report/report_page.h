// The report as one HTML file that needs nothing else.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "tuner/report/report.h"

namespace halyard {

// Style, scripts, the chart library and the data in one file that opens offline. A policy in its
// head (Content-Security-Policy) forbids a browser to fetch anything for it.
std::string ReportPage(const Report& report);

// All or none: written beside `path` and renamed. InvalidArgument where no file can be made there,
// ResourceExhausted where it could not be written whole; the message names `path`.
absl::Status WriteReport(const Report& report, const std::string& path);

// The same question beforehand, so that nothing is gathered in vain. Leaves nothing behind.
absl::Status CheckReportPath(const std::string& path);

}  // namespace halyard
