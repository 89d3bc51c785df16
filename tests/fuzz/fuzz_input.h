// A fuzzer's bytes as choices: numbers in ranges, words of a list, texts. Where the bytes are used
// up every choice is the first, so that each input ends.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace halyard {

// What must hold whatever came in; its failure is what a fuzzer reports.
inline void Require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : bytes_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return bytes_.empty(); }

  uint8_t Byte() {
    if (bytes_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return byte;
  }
  // 0 to below `end`; one byte. REQUIRES: 0 < end <= 256.
  size_t Below(size_t end) { return Byte() % end; }
  bool Flip() { return Byte() % 2 == 1; }
  // True once in `n` times.
  bool OneIn(size_t n) { return Below(n) == n - 1; }
  template <typename T>
  const T& Pick(const std::vector<T>& from) {
    return from[Below(from.size())];
  }
  // Small ones, and those at which integers go wrong.
  uint64_t Integer() {
    const uint8_t kind = Byte();
    if (kind < 192) return kind;
    if (kind < 224) return uint64_t{1} << (kind % 64);
    if (kind < 240) return (uint64_t{1} << (kind % 64)) - 1;
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | Byte();
    return value;
  }
  std::string Bytes(size_t longest) {
    const size_t wanted = Below(longest + 1);
    std::string bytes(bytes_.substr(0, wanted));
    bytes_.remove_prefix(bytes.size());
    return bytes;
  }
  // In ASCII, control characters too: protobuf lets no string pass that is not UTF-8.
  std::string Text(size_t longest) {
    std::string text = Bytes(longest);
    for (char& c : text) c = static_cast<char>(c & 0x7f);
    return text;
  }
  std::string Rest() {
    std::string rest(bytes_);
    bytes_ = {};
    return rest;
  }

 private:
  std::string_view bytes_;
};

}  // namespace halyard
