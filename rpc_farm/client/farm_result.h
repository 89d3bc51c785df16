// What a client makes of a request's end. A result has come a long way, of boards and agents that
// others look after: nothing in it is believed that a run cannot give.
#pragma once

#include <string>

#include "farm.pb.h"
#include "rpc_farm/executor.h"

namespace halyard {

struct FarmOutcome {
  RunOutcome outcome;
  std::string board, environment;  // empty: it ran nowhere
};

// `request`: what the result is of. `kind`: of the boards that were asked. kInfra: the result is
// damaged, or of another version; its message names the board.
FarmOutcome ReadFarmResult(const farm::v1::RequestResult& result, const RunRequest& request,
                           BoardKind kind);

}  // namespace halyard
