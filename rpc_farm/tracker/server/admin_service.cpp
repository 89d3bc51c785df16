#include "rpc_farm/tracker/server/admin_service.h"

#include <fmt/format.h>

#include "rpc_farm/security/peer_identity.h"
#include "rpc_farm/tracker/server/answer_unary.h"

namespace halyard {

using farm::v1::BoardReply;
using farm::v1::BoardRequest;

grpc::ServerUnaryReactor* AdminService::GetStatus(Context* context,
                                                  const farm::v1::GetStatusRequest*,
                                                  farm::v1::FarmStatus* reply) {
  return AnswerUnary(context, loop_, [=](Tracker& tracker, FarmTime now) {
    *reply = tracker.Status(now);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Drain(Context* context, const BoardRequest* request,
                                              BoardReply*) {
  return AnswerUnary(context, loop_,
                     [=](Tracker& tracker, FarmTime) { return tracker.Drain(request->board()); });
}

grpc::ServerUnaryReactor* AdminService::Quarantine(Context* context, const BoardRequest* request,
                                                   BoardReply*) {
  const std::string by = PeerOf(*context).name;
  const std::string why =
      fmt::format("{}{}{}", request->why(), request->why().empty() ? "by " : ", by ",
                  by.empty() ? "an operator" : by);
  return AnswerUnary(context, loop_, [=](Tracker& tracker, FarmTime now) {
    return tracker.Quarantine(request->board(), why, now);
  });
}

grpc::ServerUnaryReactor* AdminService::Release(Context* context, const BoardRequest* request,
                                                BoardReply*) {
  return AnswerUnary(context, loop_,
                     [=](Tracker& tracker, FarmTime) { return tracker.Release(request->board()); });
}

}  // namespace halyard
