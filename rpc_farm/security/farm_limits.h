// What the tracker takes from others, in numbers.
#pragma once

#include <chrono>
#include <cstddef>

namespace halyard {

// The defaults fit a farm of a hundred boards, each with several results a second, of ten users.
struct FarmLimits {
  // Of one identity. A client sends Submit, Acknowledge and uploads: some three calls a trial.
  double calls_per_second = 1000;
  double call_burst = 2000;
  int open_calls = 256;
  // Of one connection.
  int streams_per_connection = 128;
  int metadata_bytes = 8 * 1024;
  std::chrono::milliseconds handshake{10'000};
  std::chrono::milliseconds idle_connection{300'000};  // without any call
  // Connections, those in their handshake counted; a client or an agent has one. One address gets
  // half at most, so that a stranger from there leaves room for others.
  int connections = 1024;
  int connections_from_one_address = 512;
  // Of one message; artifacts go in chunks of 64 KiB, the largest other is a Hello with its boards.
  int message_bytes = 1 << 20;
  // Artifacts that come in at once, of one user and of all. Each has one message in memory and all
  // of what it was said to have, 64 MiB at most, reserved on the disk. One of whose data nothing
  // came for the pause, or which takes longer than a client gives itself (60 s), is ended.
  int uploads_of_user = 16;
  int uploads = 64;
  std::chrono::milliseconds upload_pause{10'000};
  std::chrono::milliseconds upload_time{90'000};
  // Of the whole server: above it, gRPC stops reading and refuses new streams.
  size_t memory_bytes = size_t{256} << 20;
  int threads = 64;
};

// The protocol's keepalive, both ways: a ping after 10 s of silence, 10 s for its answer.
inline constexpr std::chrono::milliseconds kKeepaliveInterval{10'000};
inline constexpr std::chrono::milliseconds kKeepaliveTimeout{10'000};
// Pings more often than this are counted against the client; after a few its connection is closed.
inline constexpr std::chrono::milliseconds kLeastPingInterval{5'000};

}  // namespace halyard
