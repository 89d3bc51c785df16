// What clients, agents and the tracker must agree on.
#pragma once

#include <cstdint>

namespace halyard {

// Raised when farm.proto changes in a way that an older peer would misread.
inline constexpr uint32_t kFarmProtocolVersion = 1;

// Initial metadata of a Results stream, sent before there is any result: how a client tells a
// stream that waits for results from one that never began.
inline constexpr char kResultsBegan[] = "halyard-results";

// How a RESOURCE_EXHAUSTED ends that passes by itself, and whose call may be made again: of a rate,
// or of how much one has open. One of a size ends otherwise. It is in the message because gRPC
// carries nothing else from where a call is refused before its handler.
inline constexpr char kPassingLimit[] = "wait a second";

}  // namespace halyard
