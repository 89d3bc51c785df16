// Seconds for a person.
#pragma once

#include <string>

namespace halyard {

// "45 s", "12m05s", "3h07m".
std::string DurationText(double seconds);

}  // namespace halyard
