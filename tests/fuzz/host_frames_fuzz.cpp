// Frames between an agent and a board's host: as bytes that come over the socket, and the messages
// in them, which are JSON.
#include <sys/socket.h>
#include <unistd.h>

#include "rpc_farm/agent/frames.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/json_mutation.h"

namespace halyard {
namespace {

// What is read is written and read again as the same.
void ReadMessages(const std::string& text) {
  if (const auto request = ParseHostRequest(text); request.ok()) {
    const auto again = ParseHostRequest(ToText(*request));
    Require(again.ok() && ToText(*again) == ToText(*request), "a request survives the way");
  }
  if (const auto reply = ParseHostReply(text); reply.ok()) {
    const std::string told = ToText(*reply);
    Require(told.size() <= kMostFrameBytes, "a reply fits its frame");
    const auto again = ParseHostReply(told);
    Require(again.ok() && ToText(*again) == told, "a reply survives the way");
  }
}

void ReadStream(const std::string& bytes) {
  int ends[2];
  Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket pair");
  const bool sent = bytes.empty() || send(ends[1], bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                                         static_cast<ssize_t>(bytes.size());
  close(ends[1]);
  const auto deadline = FrameClock::now() + std::chrono::seconds(10);
  for (size_t frames = 0; sent; ++frames) {
    const auto text = ReceiveFrame(ends[0], deadline);
    if (!text.ok()) {
      Require(absl::IsUnavailable(text.status()) || absl::IsDataLoss(text.status()),
              "the end and garbage are told apart from silence");
      break;
    }
    Require(frames * kFrameHeaderBytes <= bytes.size(), "a frame has a header");
    ReadMessages(*text);
  }
  close(ends[0]);
}

}  // namespace
}  // namespace halyard

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  halyard::ReadMessages(bytes);
  halyard::ReadStream(bytes);
  halyard::ReadStream(halyard::Frame(bytes));
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  return halyard::MutateJson(data, size, most, seed);
}
