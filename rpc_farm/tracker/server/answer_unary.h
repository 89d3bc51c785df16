// A unary call answered from the tracker's thread.
#pragma once

#include <grpcpp/grpcpp.h>

#include <utility>

#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/tracker/server/tracker_loop.h"

namespace halyard {

// `work`: absl::Status(Tracker&, FarmTime). What it refers to lives until the call is finished:
// request and reply of the call do.
template <typename Work>
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, TrackerLoop& loop,
                                      Work work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  loop.Post([reactor, work = std::move(work)](Tracker& tracker, FarmTime now) {
    return [reactor, status = ToRpc(work(tracker, now))] { reactor->Finish(status); };
  });
  return reactor;
}

}  // namespace halyard
