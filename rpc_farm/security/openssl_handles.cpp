#include "rpc_farm/security/openssl_handles.h"

#include <openssl/err.h>

#include "absl/strings/str_cat.h"

namespace halyard {

absl::Status OpensslError(std::string_view what) {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  char text[256] = "no reason given";
  if (code != 0) ERR_error_string_n(code, text, sizeof text);
  return absl::InternalError(absl::StrCat(std::string(what), ": ", text));
}

BioHandle ReadingFrom(std::string_view text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string WrittenTo(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size <= 0 ? "" : std::string(data, static_cast<size_t>(size));
}

}  // namespace halyard
