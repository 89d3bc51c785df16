// Certificates, keys and revocation lists as PEM, of peers and of files.
#include "rpc_farm/security/certificate.h"
#include "rpc_farm/security/farm_identity.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string pem(reinterpret_cast<const char*>(data), size);
  // OpenSSL takes a millisecond to find out that a text without the word is no key.
  if (pem.find("KEY-----") != std::string::npos) (void)halyard::ParseKey(pem);
  const auto certificate = halyard::ParseCertificate(pem);
  if (certificate.ok()) {
    const halyard::CertificateFacts facts = halyard::FactsOf(certificate->get());
    if (facts.identity) {
      halyard::Require(!facts.identity->name.empty(), "an identity has a name");
    }
    (void)halyard::ReadRevocations(pem, certificate->get());
  }
  return 0;
}
