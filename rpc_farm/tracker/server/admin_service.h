// The tracker's service for operators.
#pragma once

#include "farm.grpc.pb.h"
#include "rpc_farm/tracker/server/tracker_loop.h"

namespace halyard {

class AdminService final : public farm::v1::Admin::CallbackService {
 public:
  // Must outlive it.
  explicit AdminService(TrackerLoop& loop) : loop_(loop) {}

  using Context = grpc::CallbackServerContext;
  grpc::ServerUnaryReactor* GetStatus(Context* context, const farm::v1::GetStatusRequest* request,
                                      farm::v1::FarmStatus* reply) override;
  grpc::ServerUnaryReactor* Drain(Context* context, const farm::v1::BoardRequest* request,
                                  farm::v1::BoardReply* reply) override;
  grpc::ServerUnaryReactor* Quarantine(Context* context, const farm::v1::BoardRequest* request,
                                       farm::v1::BoardReply* reply) override;
  grpc::ServerUnaryReactor* Release(Context* context, const farm::v1::BoardRequest* request,
                                    farm::v1::BoardReply* reply) override;

 private:
  TrackerLoop& loop_;
};

}  // namespace halyard
