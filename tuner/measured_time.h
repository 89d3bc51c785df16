// What a measured value is worth in time, so that tasks of several devices can be added up.
#pragma once

#include "targets/device.h"

namespace halyard {

// 1 where a board is timed, the length of a cycle where cycles are counted.
inline double NanosecondsPerUnit(const Device& device) {
  return device.board_kind() == BoardKind::kVirtual ? 1.0 / device.clock_ghz : 1.0;
}

}  // namespace halyard
