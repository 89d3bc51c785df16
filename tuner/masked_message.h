// Messages that differ in their numbers only, told as one.
#pragma once

#include <string>

namespace halyard {

// `message` with every run of digits as one '#'.
std::string MaskDigits(const std::string& message);

}  // namespace halyard
