// A client that uploads as it likes: what it says and what it sends need not agree.
#pragma once

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "farm.grpc.pb.h"
#include "rpc_farm/proto/agreement.h"
#include "rpc_farm/security/server_setup.h"
#include "rpc_farm/sha256.h"

namespace halyard {

inline bool Soon(const std::function<bool()>& condition) {
  for (int i = 0; i < 3000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return condition();
}

// One upload, open until Finish() or its end.
class OpenUpload {
 public:
  OpenUpload(farm::v1::Farm::Stub& stub) : writer_(stub.UploadArtifact(&context_, &reply_)) {}
  ~OpenUpload() {
    if (writer_ != nullptr) Cancel();
  }
  OpenUpload(const OpenUpload&) = delete;
  OpenUpload& operator=(const OpenUpload&) = delete;

  // False: the tracker has ended it.
  bool Name(const std::string& session, const std::string& digest, uint64_t size) {
    farm::v1::ArtifactChunk first;
    first.set_session(session);
    first.mutable_artifact()->set_sha256(absl::HexStringToBytes(digest));
    first.mutable_artifact()->set_size(size);
    return writer_->Write(first);
  }
  bool Send(const std::string& data) {
    farm::v1::ArtifactChunk chunk;
    chunk.set_data(data);
    return writer_->Write(chunk);
  }
  grpc::Status Finish() {
    writer_->WritesDone();
    return Await();
  }
  // What the tracker says without being told that this is all.
  grpc::Status Await() {
    const grpc::Status status = writer_->Finish();
    writer_.reset();
    return status;
  }
  void Cancel() {
    context_.TryCancel();
    (void)Await();
  }

 private:
  grpc::ClientContext context_;
  farm::v1::UploadArtifactReply reply_;
  std::unique_ptr<grpc::ClientWriter<farm::v1::ArtifactChunk>> writer_;
};

// On the loopback, without certificates.
class UploadClient {
 public:
  UploadClient(const std::string& address, const std::string& user) {
    grpc::ChannelArguments arguments = FarmChannelArguments();
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = farm::v1::Farm::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
    farm::v1::OpenSessionRequest request;
    request.set_protocol(kFarmProtocolVersion);
    request.set_user(user);
    farm::v1::OpenSessionReply reply;
    grpc::ClientContext context;
    const grpc::Status status = stub_->OpenSession(&context, request, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    session_ = reply.session();
  }

  const std::string& session() const { return session_; }
  std::unique_ptr<OpenUpload> Open() { return std::make_unique<OpenUpload>(*stub_); }
  // Said to be of `size` bytes and this digest, and sent in chunks of so many bytes.
  grpc::Status Upload(const std::string& bytes, uint64_t size, const std::string& digest,
                      size_t chunk = size_t{64} << 10) {
    const auto upload = Open();
    bool going = upload->Name(session_, digest, size);
    for (size_t at = 0; going && at < bytes.size(); at += chunk) {
      going = upload->Send(bytes.substr(at, chunk));
    }
    return upload->Finish();
  }
  grpc::Status Upload(const std::string& bytes) {
    return Upload(bytes, bytes.size(), Sha256Hex(bytes));
  }
  // Whether a request that wants it would be queued.
  bool Has(const std::string& digest) {
    farm::v1::SubmitRequest submit;
    submit.set_session(session_);
    submit.set_number(++number_);
    submit.set_device("rpi4");
    submit.set_time_limit_ms(1000);
    submit.mutable_job()->add_artifacts()->set_sha256(absl::HexStringToBytes(digest));
    farm::v1::SubmitReply reply;
    grpc::ClientContext context;
    const grpc::Status status = stub_->Submit(&context, submit, &reply);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return status.ok() && reply.missing_size() == 0;
  }

 private:
  std::unique_ptr<farm::v1::Farm::Stub> stub_;
  std::string session_;
  uint64_t number_ = 0;
};

}  // namespace halyard
