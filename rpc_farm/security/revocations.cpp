// The part of certificate.h about revocation lists.

#include <openssl/err.h>
#include <openssl/pem.h>

#include "rpc_farm/security/certificate.h"
#include "rpc_farm/security/x509_text.h"

namespace halyard {
namespace {

using IntegerHandle = std::unique_ptr<ASN1_INTEGER, OpensslFree<ASN1_INTEGER_free>>;
using RevokedHandle = std::unique_ptr<X509_REVOKED, OpensslFree<X509_REVOKED_free>>;

bool AddRevoked(X509_CRL* list, const std::string& serial, absl::Time since) {
  BIGNUM* parsed = nullptr;
  if (BN_hex2bn(&parsed, serial.c_str()) == 0) return false;
  const BignumHandle number(parsed);
  const IntegerHandle integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
  const TimeHandle time(ASN1_TIME_set(nullptr, absl::ToTimeT(since)));
  RevokedHandle entry(X509_REVOKED_new());
  if (integer == nullptr || time == nullptr || entry == nullptr ||
      X509_REVOKED_set_serialNumber(entry.get(), integer.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), time.get()) != 1 ||
      X509_CRL_add0_revoked(list, entry.get()) != 1) {
    return false;
  }
  static_cast<void>(entry.release());  // the list has it now
  return true;
}

bool SetNumber(X509_CRL* list, uint64_t value) {
  const IntegerHandle number(ASN1_INTEGER_new());
  return number != nullptr && ASN1_INTEGER_set_uint64(number.get(), value) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, number.get(), 0, 0) == 1;
}

}  // namespace

absl::StatusOr<std::string> RevocationsToPem(X509* authority, EVP_PKEY* authority_key,
                                             const Revocations& revocations, absl::Time now) {
  const CrlHandle list(X509_CRL_new());
  const TimeHandle issued(ASN1_TIME_set(nullptr, absl::ToTimeT(now)));
  // The next list comes when somebody is revoked; this one is good for as long as the authority.
  if (list == nullptr || issued == nullptr ||
      X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) != 1 ||
      X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority)) != 1 ||
      X509_CRL_set1_lastUpdate(list.get(), issued.get()) != 1 ||
      X509_CRL_set1_nextUpdate(list.get(), X509_get0_notAfter(authority)) != 1 ||
      !SetNumber(list.get(), revocations.number)) {
    return OpensslError("the revocation list cannot be made");
  }
  for (const auto& [serial, since] : revocations.serials) {
    if (!AddRevoked(list.get(), serial, since)) {
      return OpensslError("serial " + serial + " cannot be revoked");
    }
  }
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (bio == nullptr || X509_CRL_sort(list.get()) != 1 ||
      X509_CRL_sign(list.get(), authority_key, EVP_sha256()) == 0 ||
      PEM_write_bio_X509_CRL(bio.get(), list.get()) != 1) {
    return OpensslError("the revocation list cannot be signed");
  }
  return WrittenTo(bio.get());
}

absl::StatusOr<Revocations> ReadRevocations(std::string_view pem, X509* authority) {
  const BioHandle bio = ReadingFrom(pem);
  const CrlHandle list(
      bio == nullptr ? nullptr : PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (list == nullptr) return absl::InvalidArgumentError("is not a PEM revocation list");
  const int good = X509_CRL_verify(list.get(), X509_get0_pubkey(authority));
  ERR_clear_error();
  if (good != 1) return absl::PermissionDeniedError("is not signed by this farm's authority");
  Revocations revocations;
  const IntegerHandle number(static_cast<ASN1_INTEGER*>(
      X509_CRL_get_ext_d2i(list.get(), NID_crl_number, nullptr, nullptr)));
  if (number != nullptr) ASN1_INTEGER_get_uint64(&revocations.number, number.get());
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(list.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    revocations.serials[SerialText(X509_REVOKED_get0_serialNumber(entry))] =
        TimeOf(X509_REVOKED_get0_revocationDate(entry));
  }
  return revocations;
}

}  // namespace halyard
