// What boards behind a link do alike beyond that: a cut connection, a tuner that dies.
#pragma once

#include "tests/conformance/executor_conformance.h"
#include "tests/conformance/linked_board.h"

namespace halyard {

class LinkedConformance : public ExecutorConformance {
 protected:
  LinkedBoard& linked() { return dynamic_cast<LinkedBoard&>(*board_); }
};

}  // namespace halyard
