// A farm's status as a person reads it.
#pragma once

#include <string>

#include "farm.pb.h"

namespace halyard {

// No line is longer than `columns`, which is 60 at least. Ends in a newline.
std::string FarmStatusText(const farm::v1::FarmStatus& status, int columns);

}  // namespace halyard
