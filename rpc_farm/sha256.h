// Content addresses.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace halyard {

// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(const std::string& bytes);

// The same of bytes that come in pieces. Not thread-safe.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  void Add(std::string_view bytes);
  std::string Hex();  // to be called once, last

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace halyard
