// What the parts of farm_load share.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>

#include "rpc_farm/security/server_setup.h"

namespace halyard {

inline constexpr char kAddress[] = "127.0.0.1:7931", kMetrics[] = "127.0.0.1:7932";

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

inline double Ms(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

inline std::shared_ptr<grpc::Channel> NewChannel() {
  grpc::ChannelArguments arguments = FarmChannelArguments();
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(kAddress, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace halyard
