#include "rpc_farm/gdb_packet.h"

#include <fmt/format.h>

namespace halyard {
namespace {

constexpr char kEscape = '}';
constexpr char kEscapeXor = 0x20;

uint8_t Checksum(std::string_view bytes) {
  uint8_t sum = 0;
  for (char c : bytes) sum = static_cast<uint8_t>(sum + static_cast<uint8_t>(c));
  return sum;
}

int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "x*N" stands for x and N - 29 more of it.
std::optional<std::string> Expand(std::string_view body) {
  std::string out;
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] == kEscape) {
      if (++i == body.size()) return std::nullopt;
      out += static_cast<char>(body[i] ^ kEscapeXor);
    } else if (body[i] == '*') {
      if (out.empty() || ++i == body.size() || body[i] < ' ') return std::nullopt;
      const int more = body[i] - 29;
      if (more < 1) return std::nullopt;
      out.append(static_cast<size_t>(more), out.back());
    } else {
      out += body[i];
    }
  }
  return out;
}

}  // namespace

std::string GdbPacket(std::string_view payload) {
  return fmt::format("${}#{:02x}", payload, Checksum(payload));
}

std::string EscapeGdbBinary(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() + bytes.size() / 16);
  for (char c : bytes) {
    if (c == '$' || c == '#' || c == kEscape || c == '*') {
      out += kEscape;
      c = static_cast<char>(c ^ kEscapeXor);
    }
    out += c;
  }
  return out;
}

std::string ToHex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = Digit(hex[i]), low = Digit(hex[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::optional<GdbPacketReader::Event> GdbPacketReader::Next() {
  while (!pending_.empty()) {
    const char first = pending_[0];
    if (first != '$') {
      pending_.erase(0, 1);
      if (first == '+') return Event{Kind::kAck, ""};
      if (first == '-') return Event{Kind::kRetransmit, ""};
      continue;
    }
    const size_t hash = pending_.find('#');
    if (hash == std::string::npos || pending_.size() < hash + 3) return std::nullopt;
    const std::string body = pending_.substr(1, hash - 1);
    const int high = Digit(pending_[hash + 1]), low = Digit(pending_[hash + 2]);
    pending_.erase(0, hash + 3);
    const auto payload = Expand(body);
    if (high < 0 || low < 0 || (high << 4 | low) != Checksum(body) || !payload) {
      return Event{Kind::kGarbled, ""};
    }
    return Event{Kind::kPacket, *payload};
  }
  return std::nullopt;
}

}  // namespace halyard
