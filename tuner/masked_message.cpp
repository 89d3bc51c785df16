#include "tuner/masked_message.h"

namespace halyard {

std::string MaskDigits(const std::string& message) {
  std::string masked;
  for (char c : message) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit) masked += c;
    if (digit && (masked.empty() || masked.back() != '#')) masked += '#';
  }
  return masked;
}

}  // namespace halyard
