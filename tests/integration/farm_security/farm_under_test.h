// A farm's authority in a temporary folder, and a server behind its certificates whose handlers
// count what reaches them.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "farm.grpc.pb.h"
#include "rpc_farm/security/authorizer.h"
#include "rpc_farm/security/certificate_authority.h"
#include "rpc_farm/security/certificate_files.h"
#include "rpc_farm/security/farm_listener.h"
#include "rpc_farm/security/peer_identity.h"
#include "rpc_farm/temporary_folder.h"

namespace halyard {

namespace v1 = farm::v1;

// By the callback interface, as the tracker's services are.
class CountingFarm : public v1::Farm::CallbackService {
 public:
  grpc::ServerUnaryReactor* OpenSession(grpc::CallbackServerContext* context,
                                        const v1::OpenSessionRequest* request,
                                        v1::OpenSessionReply* reply) override;
  // Sends the serial of the caller's certificate, then waits for the caller to go.
  grpc::ServerWriteReactor<v1::RequestResult>* Results(grpc::CallbackServerContext* context,
                                                       const v1::ResultsRequest* request) override;
  std::atomic<int> calls{0};
  std::atomic<int> streams{0};  // open now
  PeerIdentity last() const;

 private:
  mutable std::mutex mutex_;
  PeerIdentity last_;
};

class CountingAgents : public v1::Agents::CallbackService {
 public:
  // Answers each message with an empty one.
  grpc::ServerBidiReactor<v1::AgentMessage, v1::TrackerMessage>* Connect(
      grpc::CallbackServerContext* context) override;
  std::atomic<int> calls{0};
};

// By the synchronous interface.
class CountingAdmin : public v1::Admin::Service {
 public:
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*,
                         v1::FarmStatus*) override;
  grpc::Status Drain(grpc::ServerContext*, const v1::BoardRequest*, v1::BoardReply*) override;
  std::atomic<int> calls{0};
};

class FarmUnderTest : public testing::Test {
 protected:
  // The authority, and the folders of the tracker and of "root", an admin.
  void SetUp() override;
  void TearDown() override;

  // Listens on a port of 127.0.0.1. `folder` "": without certificates.
  void Serve(const std::string& folder, const FarmLimits& limits = {});
  void Serve() { Serve(authority_folder() + "/tracker"); }
  void Stop();

  // A holder's folder, valid from now on for a day unless it is said otherwise.
  std::string Enroll(FarmRole role, const std::string& name);
  std::string Enroll(FarmRole role, const std::string& name, const Validity& validity,
                     const std::string& authority);
  // As Enroll, into the folder that is there.
  std::string EnrollAnew(const std::string& folder, FarmRole role, const std::string& name);
  void Revoke(const std::string& serial);
  static std::string SerialIn(const std::string& folder);

  // A channel of its own: connections are not shared with another of the same credentials.
  std::shared_ptr<grpc::Channel> ChannelOf(const std::string& folder,
                                           const std::string& host = "127.0.0.1") const;
  // The same, without a look at what is wrong with the folder.
  std::shared_ptr<grpc::Channel> BlindChannelOf(const std::string& folder) const;
  static grpc::Status Open(grpc::Channel& channel);
  static grpc::Status Call(v1::Farm::StubInterface& stub);

  std::string address(const std::string& host = "127.0.0.1") const {
    return host + ":" + std::to_string(port_);
  }
  std::string authority_folder() const { return folder_.path() + "/farm"; }
  int handled() const { return farm_.calls + agents_.calls + admin_.calls; }

  TemporaryFolder folder_;
  CountingFarm farm_;
  CountingAgents agents_;
  CountingAdmin admin_;
  std::shared_ptr<Authorizer> authorizer_;
  std::unique_ptr<FarmListener> listener_;
  std::unique_ptr<grpc::Server> server_;
  CertificateTrouble tell_;  // the server's
  int port_ = 0;
};

}  // namespace halyard
