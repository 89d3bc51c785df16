// Packets of the GDB remote serial protocol ("Debugging with GDB", appendix E.1): framing,
// checksums, escapes and run-length encoding. Pure functions of bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace halyard {

// "$payload#xx". The payload is taken as it is: text, or escaped by EscapeGdbBinary.
std::string GdbPacket(std::string_view payload);

// Bytes of binary packets in which the protocol's own characters are escaped.
std::string EscapeGdbBinary(std::string_view bytes);

std::string ToHex(std::string_view bytes);
std::optional<std::string> FromHex(std::string_view hex);  // nullopt: an odd length or no digits

// Takes bytes as they arrive, in pieces of any size.
class GdbPacketReader {
 public:
  enum class Kind { kAck, kRetransmit, kPacket, kGarbled };
  struct Event {
    Kind kind;
    std::string payload;  // of kPacket: runs expanded, escapes undone
  };

  void Feed(std::string_view bytes) { pending_.append(bytes); }
  // The next thing complete; nullopt: none is. What lies between packets is skipped.
  std::optional<Event> Next();

 private:
  std::string pending_;
};

}  // namespace halyard
