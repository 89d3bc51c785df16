// What clients, agents and the tracker must agree on.
#pragma once

#include <cstdint>

namespace halyard {

// Raised when farm.proto changes in a way that an older peer would misread.
inline constexpr uint32_t kFarmProtocolVersion = 1;

// Initial metadata of a Results stream, sent before there is any result: how a client tells a
// stream that waits for results from one that never began.
inline constexpr char kResultsBegan[] = "halyard-results";

// Details of a RESOURCE_EXHAUSTED that passes by itself, and may be tried again: of a rate, or of
// how much one has open. Those of a size have none.
inline constexpr char kPassingLimit[] = "halyard-passing-limit";

}  // namespace halyard
