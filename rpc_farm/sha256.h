// Content addresses.
#pragma once

#include <string>

namespace halyard {

// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(const std::string& bytes);

}  // namespace halyard
