// The report's page in parts, embedded when the program is built: page/ and third_party/.
#pragma once

#include <string_view>

namespace halyard {

extern const std::string_view kPageHtml;     // with a mark where each other part belongs
extern const std::string_view kPageStyle;    // page/style.css
extern const std::string_view kPageScript;   // page/*.js, in the order of CMakeLists.txt
extern const std::string_view kChartStyle;   // third_party/uPlot.min.css
extern const std::string_view kChartScript;  // third_party/uPlot.iife.min.js

}  // namespace halyard
