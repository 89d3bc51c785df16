// OpenSSL's objects, each freed once, and what its error queue says.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace halyard {

template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};

using BioHandle = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using BignumHandle = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, OpensslFree<X509_free>>;
using CrlHandle = std::unique_ptr<X509_CRL, OpensslFree<X509_CRL_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;
using TimeHandle = std::unique_ptr<ASN1_TIME, OpensslFree<ASN1_TIME_free>>;

// Internal: `what` failed, with the first error OpenSSL queued; the queue is empty afterwards.
absl::Status OpensslError(std::string_view what);

// Reads from `text`, which must outlive it. Null where there is no memory.
BioHandle ReadingFrom(std::string_view text);
// What was written to a memory BIO.
std::string WrittenTo(BIO* bio);

}  // namespace halyard
