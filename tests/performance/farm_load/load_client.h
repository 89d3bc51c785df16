// A client that keeps a number of requests in flight, and counts what becomes of them.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "farm.grpc.pb.h"
#include "rpc_farm/proto/agreement.h"
#include "tests/performance/farm_load/load_channel.h"

namespace halyard {

using farm::v1::RequestResult;

struct Tally {
  std::mutex mutex;
  std::vector<double> waits_ms;  // from submission to the result's arrival
  uint64_t results = 0, lost = 0, twice = 0, unacknowledged = 0, failed_submits = 0;
};

class Client {
 public:
  Client(int index, int in_flight, const std::atomic<bool>& stop, Tally& tally)
      : index_(index),
        in_flight_(in_flight),
        stop_(stop),
        tally_(tally),
        stub_(farm::v1::Farm::NewStub(NewChannel())),
        thread_([this] { Live(); }) {}
  void Join() { thread_.join(); }

 private:
  template <typename Call>
  grpc::Status Patiently(Call call) {
    while (true) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
      const grpc::Status status = call(context);
      if (status.error_code() != grpc::UNAVAILABLE &&
          status.error_code() != grpc::DEADLINE_EXCEEDED) {
        return status;
      }
      if (stop_) return status;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }

  void Submit() {
    farm::v1::SubmitRequest submit;
    submit.set_session(session_);
    submit.set_number(++last_);
    submit.set_device("waiting");
    submit.set_time_limit_ms(120'000);
    submit.mutable_job()->set_run_request(std::string(2000, ' '));
    submitted_[last_] = Clock::now();
    farm::v1::SubmitReply reply;
    const grpc::Status status = Patiently(
        [&](grpc::ClientContext& context) { return stub_->Submit(&context, submit, &reply); });
    if (!status.ok() && status.error_code() != grpc::ALREADY_EXISTS) {
      submitted_.erase(last_);
      const std::lock_guard lock(tally_.mutex);
      tally_.failed_submits++;
      fmt::print(stderr, "submit: {}\n", status.error_message());
    }
  }

  // Whether it is the request's first end.
  bool Take(const RequestResult& result) {
    const auto at = submitted_.find(result.number());
    const std::lock_guard lock(tally_.mutex);
    if (at == submitted_.end()) {
      // Sent again because its acknowledgement had not come through is right; after one that had,
      // it would be a second end.
      if (acknowledged_.contains(result.number())) tally_.twice++;
      return false;
    }
    tally_.results++;
    if (result.end() != RequestResult::DONE) tally_.lost++;
    tally_.waits_ms.push_back(Ms(Clock::now() - at->second));
    submitted_.erase(at);
    ended_.push_back(result.number());
    return true;
  }

  void Acknowledge() {
    if (ended_.empty()) return;
    farm::v1::AcknowledgeRequest request;
    request.set_session(session_);
    for (const uint64_t n : ended_) request.add_numbers(n);
    farm::v1::AcknowledgeReply reply;
    const grpc::Status status = Patiently([&](grpc::ClientContext& context) {
      return stub_->Acknowledge(&context, request, &reply);
    });
    if (status.ok()) acknowledged_.insert(ended_.begin(), ended_.end());
    ended_.clear();
  }

  void Live() {
    farm::v1::OpenSessionRequest open;
    open.set_protocol(kFarmProtocolVersion);
    open.set_user(fmt::format("user-{}", index_));
    farm::v1::OpenSessionReply opened;
    Patiently(
        [&](grpc::ClientContext& context) { return stub_->OpenSession(&context, open, &opened); });
    session_ = opened.session();
    while (!stop_ || !submitted_.empty()) {
      grpc::ClientContext context;
      farm::v1::ResultsRequest request;
      request.set_session(session_);
      const auto reader = stub_->Results(&context, request);
      reader->WaitForInitialMetadata();
      while (!stop_ && static_cast<int>(submitted_.size()) < in_flight_) Submit();
      RequestResult result;
      while (reader->Read(&result)) {
        const bool first = Take(result);
        if (ended_.size() >= 8 || stop_) Acknowledge();
        if (first && !stop_) Submit();
        if (stop_ && submitted_.empty()) break;
      }
      context.TryCancel();
      const grpc::Status end = reader->Finish();
      if (end.error_code() == grpc::NOT_FOUND) {
        const std::lock_guard lock(tally_.mutex);
        tally_.unacknowledged += submitted_.size();
        fmt::print(stderr, "the session was lost with {} requests\n", submitted_.size());
        return;
      }
      if (!submitted_.empty()) std::this_thread::sleep_for(milliseconds(100));
    }
    Acknowledge();
    const std::lock_guard lock(tally_.mutex);
    tally_.unacknowledged += submitted_.size();
  }

  const int index_, in_flight_;
  const std::atomic<bool>& stop_;
  Tally& tally_;
  std::unique_ptr<farm::v1::Farm::Stub> stub_;
  std::string session_;
  uint64_t last_ = 0;
  std::map<uint64_t, Clock::time_point> submitted_;
  std::vector<uint64_t> ended_;
  std::set<uint64_t> acknowledged_;
  std::thread thread_;
};

}  // namespace halyard
