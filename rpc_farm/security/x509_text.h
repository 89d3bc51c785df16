// Numbers and times of certificates as the rest of the farm has them.
#pragma once

#include <openssl/asn1.h>

#include <string>

#include "absl/time/time.h"

namespace halyard {

// Lower-case hexadecimal without leading zeros; "" where it cannot be read.
std::string SerialText(const ASN1_INTEGER* serial);
// A time that cannot be read has passed for ever: InfinitePast.
absl::Time TimeOf(const ASN1_TIME* time);

}  // namespace halyard
