#include "rpc_farm/security/x509_text.h"

#include <openssl/crypto.h>
#include <time.h>

#include "absl/strings/ascii.h"
#include "rpc_farm/security/openssl_handles.h"

namespace halyard {

std::string SerialText(const ASN1_INTEGER* serial) {
  const BignumHandle number(ASN1_INTEGER_to_BN(serial, nullptr));
  char* hex = number == nullptr ? nullptr : BN_bn2hex(number.get());
  std::string text = hex == nullptr ? "" : absl::AsciiStrToLower(hex);
  OPENSSL_free(hex);
  while (text.size() > 1 && text.front() == '0') text.erase(0, 1);
  return text;
}

absl::Time TimeOf(const ASN1_TIME* time) {
  std::tm fields{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTimeT(timegm(&fields));
}

}  // namespace halyard
