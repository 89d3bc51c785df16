#include "rpc_farm/security/certificate.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "fmt/format.h"
#include "rpc_farm/security/x509_text.h"

namespace halyard {
namespace {

constexpr char kLabelCharacters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

// An extension from OpenSSL's own notation; never with a name of ours in it, which could hold
// commas.
bool AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1;
}

bool AddName(GENERAL_NAMES* names, int type, const void* bytes, size_t size) {
  ASN1_STRING* text = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (text == nullptr || name == nullptr ||
      ASN1_STRING_set(text, bytes, static_cast<int>(size)) != 1) {
    ASN1_STRING_free(text);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, text);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool AddHost(GENERAL_NAMES* names, const std::string& host) {
  unsigned char address[16];
  if (inet_pton(AF_INET, host.c_str(), address) == 1) return AddName(names, GEN_IPADD, address, 4);
  if (inet_pton(AF_INET6, host.c_str(), address) == 1) {
    return AddName(names, GEN_IPADD, address, 16);
  }
  return AddName(names, GEN_DNS, host.data(), host.size());
}

bool AddNames(X509* certificate, const FarmIdentity& identity,
              const std::vector<std::string>& hosts) {
  const NamesHandle names(GENERAL_NAMES_new());
  if (names == nullptr) return false;
  const std::string uri = ToUri(identity);
  bool added = AddName(names.get(), GEN_URI, uri.data(), uri.size());
  for (const std::string& host : hosts) added = added && AddHost(names.get(), host);
  return added && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

std::string_view BytesOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string AddressText(std::string_view bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return "";
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

// What all certificates have; the serial is random, 127 bits: none can be foretold or met twice.
bool FillIn(X509* certificate, X509* issuer, EVP_PKEY* key, const std::string& common_name,
            const Validity& validity) {
  unsigned char serial[16];
  if (RAND_bytes(serial, sizeof serial) != 1) return false;
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 0x40);
  const BignumHandle number(BN_bin2bn(serial, sizeof serial, nullptr));
  X509_NAME* subject = X509_get_subject_name(certificate);
  return number != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(validity.not_before)) !=
             nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(validity.not_after)) !=
             nullptr &&
         X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("Halyard farm"), -1, -1,
                                    0) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(common_name.c_str()), -1,
                                    -1, 0) == 1 &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(certificate, key) == 1;
}

}  // namespace

absl::StatusOr<CertificateHandle> ParseCertificate(std::string_view pem) {
  const BioHandle bio = ReadingFrom(pem);
  CertificateHandle certificate(
      bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (certificate == nullptr)
    return absl::InvalidArgumentError("there is no PEM certificate in it");
  return certificate;
}

absl::StatusOr<KeyHandle> ParseKey(std::string_view pem) {
  const BioHandle bio = ReadingFrom(pem);
  // An encrypted key must fail, not ask for its password at the terminal.
  const auto no_password = [](char*, int, int, void*) { return 0; };
  KeyHandle key(bio == nullptr ? nullptr
                               : PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key == nullptr) return absl::InvalidArgumentError("there is no unencrypted PEM key in it");
  return key;
}

CertificateFacts FactsOf(X509* certificate) {
  CertificateFacts facts;
  facts.serial = SerialText(X509_get0_serialNumber(certificate));
  facts.not_before = TimeOf(X509_get0_notBefore(certificate));
  facts.not_after = TimeOf(X509_get0_notAfter(certificate));
  const NamesHandle names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  int uris = 0;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); i++) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) facts.hosts.emplace_back(BytesOf(name->d.dNSName));
    if (name->type == GEN_IPADD) facts.hosts.push_back(AddressText(BytesOf(name->d.iPAddress)));
    if (name->type != GEN_URI) continue;
    uris++;
    facts.identity = IdentityFromUri(BytesOf(name->d.uniformResourceIdentifier));
  }
  if (uris != 1) facts.identity.reset();
  return facts;
}

absl::StatusOr<CertificateFacts> ReadCertificate(std::string_view pem) {
  const auto certificate = ParseCertificate(pem);
  if (!certificate.ok()) return certificate.status();
  return FactsOf(certificate->get());
}

absl::StatusOr<KeyHandle> NewKey() {
  KeyHandle key(EVP_EC_gen("P-256"));
  if (key == nullptr) return OpensslError("a key cannot be made");
  return key;
}

absl::StatusOr<std::string> ToPem(X509* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) {
    return OpensslError("a certificate cannot be written");
  }
  return WrittenTo(bio.get());
}

absl::StatusOr<std::string> ToPem(EVP_PKEY* key) {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  if (bio == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return OpensslError("a key cannot be written");
  }
  return WrittenTo(bio.get());
}

absl::StatusOr<CertificateHandle> NewAuthority(EVP_PKEY* key, const Validity& validity) {
  CertificateHandle c(X509_new());
  if (c == nullptr || !FillIn(c.get(), c.get(), key, "Halyard farm authority", validity) ||
      !AddExtension(c.get(), c.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(c.get(), c.get(), NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !AddExtension(c.get(), c.get(), NID_subject_key_identifier, "hash") ||
      X509_sign(c.get(), key, EVP_sha256()) == 0) {
    return OpensslError("the authority's certificate cannot be made");
  }
  return c;
}

absl::StatusOr<CertificateHandle> NewLeaf(X509* authority, EVP_PKEY* authority_key, EVP_PKEY* key,
                                          const FarmIdentity& identity,
                                          const std::vector<std::string>& hosts,
                                          const Validity& validity) {
  if (auto s = CheckFarmName(identity.name); !s.ok()) return s;
  for (const std::string& host : hosts) {
    if (auto s = CheckHost(host); !s.ok()) return s;
  }
  const bool server = identity.role == FarmRole::kTracker;
  // With a space in it no common name is ever a host's.
  const std::string common_name =
      fmt::format("{} {}", FarmRoleName(identity.role), identity.name).substr(0, ub_common_name);
  CertificateHandle c(X509_new());
  if (c == nullptr || !FillIn(c.get(), authority, key, common_name, validity) ||
      !AddExtension(c.get(), authority, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(c.get(), authority, NID_key_usage, "critical,digitalSignature") ||
      !AddExtension(c.get(), authority, NID_ext_key_usage, server ? "serverAuth" : "clientAuth") ||
      !AddExtension(c.get(), authority, NID_subject_key_identifier, "hash") ||
      !AddExtension(c.get(), authority, NID_authority_key_identifier, "keyid:always") ||
      !AddNames(c.get(), identity, server ? hosts : std::vector<std::string>{}) ||
      X509_sign(c.get(), authority_key, EVP_sha256()) == 0) {
    return OpensslError("a certificate cannot be made");
  }
  return c;
}

absl::Status CheckHost(const std::string& host) {
  unsigned char address[16];
  if (inet_pton(AF_INET, host.c_str(), address) == 1 ||
      inet_pton(AF_INET6, host.c_str(), address) == 1) {
    return absl::OkStatus();
  }
  // Labels of RFC 1123 section 2.1, and a last one that is no number: 1.2.3 or 10.0.0.300 is an
  // address that somebody mistyped.
  bool good = host.size() <= 253;
  std::string_view rest = host, label;
  while (good) {
    const size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    good = !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           label.find_first_not_of(kLabelCharacters) == std::string_view::npos;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (good && label.find_first_not_of("0123456789") != std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(fmt::format(
      "'{}' is not a host; give a DNS name or an IP address, without a port", host.substr(0, 300)));
}

}  // namespace halyard
