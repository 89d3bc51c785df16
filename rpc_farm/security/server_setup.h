// The one place where the tracker's server and the channels to it agree on keepalive and sizes.
#pragma once

#include <grpcpp/server_builder.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>

#include "rpc_farm/security/authorizer.h"
#include "rpc_farm/security/farm_limits.h"

namespace halyard {

// Limits, keepalive, one server to a port. With an authorizer (which the credentials have too) each
// identity's open calls are counted. Sets the builder's interceptor creators.
void ConfigureServer(grpc::ServerBuilder& builder, const FarmLimits& limits,
                     const std::shared_ptr<Authorizer>& authorizer);

// For every channel to the tracker.
grpc::ChannelArguments FarmChannelArguments();

}  // namespace halyard
