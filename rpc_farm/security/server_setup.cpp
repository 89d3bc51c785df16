#include "rpc_farm/security/server_setup.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/support/server_interceptor.h>

#include <optional>
#include <utility>
#include <vector>

#include "rpc_farm/security/peer_identity.h"

namespace halyard {
namespace {

namespace experimental = grpc::experimental;

// Lives as long as its call does.
class CallCounter : public experimental::Interceptor {
 public:
  CallCounter(std::shared_ptr<OpenLimit> calls, const grpc::ServerContextBase* context)
      : calls_(std::move(calls)), context_(context) {}

  void Intercept(experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            experimental::InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      place_.emplace(calls_->EnterAnyway(LimitKey(PeerOf(*context_))));
    }
    methods->Proceed();
  }

 private:
  const std::shared_ptr<OpenLimit> calls_;
  const grpc::ServerContextBase* context_;
  std::optional<OpenLimit::Place> place_;
};

class CallCounters : public experimental::ServerInterceptorFactoryInterface {
 public:
  explicit CallCounters(std::shared_ptr<OpenLimit> calls) : calls_(std::move(calls)) {}
  experimental::Interceptor* CreateServerInterceptor(experimental::ServerRpcInfo* info) override {
    return new CallCounter(calls_, info->server_context());
  }

 private:
  const std::shared_ptr<OpenLimit> calls_;
};

int Ms(std::chrono::milliseconds duration) { return static_cast<int>(duration.count()); }

}  // namespace

void ConfigureServer(grpc::ServerBuilder& builder, const FarmLimits& limits,
                     const std::shared_ptr<Authorizer>& authorizer) {
  builder.SetMaxReceiveMessageSize(limits.message_bytes);
  builder.SetResourceQuota(
      grpc::ResourceQuota("tracker").Resize(limits.memory_bytes).SetMaxThreads(limits.threads));
  const std::pair<const char*, int> arguments[] = {
      // Else a second tracker on the port starts without a word and takes half of the connections.
      {GRPC_ARG_ALLOW_REUSEPORT, 0},
      {GRPC_ARG_MAX_CONCURRENT_STREAMS, limits.streams_per_connection},
      {GRPC_ARG_MAX_METADATA_SIZE, limits.metadata_bytes},
      {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, Ms(limits.handshake)},
      {GRPC_ARG_MAX_CONNECTION_IDLE_MS, Ms(limits.idle_connection)},
      {GRPC_ARG_KEEPALIVE_TIME_MS, Ms(kKeepaliveInterval)},
      {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Ms(kKeepaliveTimeout)},
      {GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1},
      {GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0},
      {GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, Ms(kLeastPingInterval)},
      {GRPC_ARG_HTTP2_MAX_PING_STRIKES, 2},
  };
  for (const auto& [name, value] : arguments) builder.AddChannelArgument(name, value);
  if (authorizer == nullptr) return;
  std::vector<std::unique_ptr<experimental::ServerInterceptorFactoryInterface>> creators;
  creators.push_back(std::make_unique<CallCounters>(authorizer->open_calls()));
  builder.experimental().SetInterceptorCreators(std::move(creators));
}

grpc::ChannelArguments FarmChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Ms(kKeepaliveInterval));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Ms(kKeepaliveTimeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // A tracker that restarts is found again within seconds.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 500);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 10'000);
  // Boards are near: an http_proxy that is meant for the web has no part in this.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  return arguments;
}

}  // namespace halyard
