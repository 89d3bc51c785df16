#include "rpc_farm/agent/job_check.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "farm.pb.h"

namespace halyard {
namespace {

class JobCheck : public testing::Test {
 protected:
  JobCheck() {
    device_.memory_bytes = int64_t{4} << 30;
    EntrySpec entry;
    entry.symbol = "kernel";
    entry.inputs = {{{4, 8}}};
    entry.output = {{32}};
    entry.canonical_output = {4, 8};
    entry.probe_points = {0, 31};
    request_.candidates = {{std::string(64, 'a'), {entry}}};
    auto* artifact = job_.add_artifacts();
    artifact->set_sha256(std::string(32, '\xaa'));
    artifact->set_size(700);
    job_.set_deadline_ms(1000);
  }
  EntrySpec& entry() { return request_.candidates[0].entries[0]; }
  absl::StatusOr<CheckedJob> Check() {
    job_.set_run_request(nlohmann::json(request_).dump());
    return CheckJob(job_, device_);
  }
  // After a change that is taken back.
  std::string Refusal(const std::function<void()>& change) {
    const RunRequest request = request_;
    const farm::v1::Job job = job_;
    change();
    const auto checked = Check();
    request_ = request;
    job_ = job;
    EXPECT_TRUE(absl::IsInvalidArgument(checked.status())) << checked.status();
    return std::string(checked.status().message());
  }

  Device device_;
  RunRequest request_;
  farm::v1::Job job_;
};

TEST_F(JobCheck, AGoodJobIsTakenAsItIs) {
  const auto checked = Check();
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(nlohmann::json(checked->request), nlohmann::json(request_));
  EXPECT_EQ(checked->deadline, std::chrono::milliseconds(1000));
  EXPECT_EQ(checked->artifacts,
            (std::map<std::string, uint64_t>{{std::string(64, 'a'), uint64_t{700}}}));
  EXPECT_EQ(DigestBytes(DigestText(job_.artifacts(0).sha256())), job_.artifacts(0).sha256());
}

TEST_F(JobCheck, WhatIsAbsurdIsRefusedAndNamed) {
  EXPECT_NE(Refusal([&] { request_.threads = 0; }).find("threads"), std::string::npos);
  EXPECT_NE(Refusal([&] { request_.threads = 1 << 30; }).find("threads"), std::string::npos);
  EXPECT_NE(Refusal([&] { request_.rounds = -1; }).find("rounds"), std::string::npos);
  EXPECT_NE(Refusal([&] { request_.timing.samples = 1 << 30; }).find("samples"), std::string::npos);
  EXPECT_NE(Refusal([&] { request_.timing.min_sample_ns = INT64_MAX; }).find("sample"),
            std::string::npos);
  EXPECT_NE(Refusal([&] { request_.candidates.clear(); }).find("candidates"), std::string::npos);
  EXPECT_NE(
      Refusal([&] { request_.candidates.assign(2000, request_.candidates[0]); }).find("candidates"),
      std::string::npos);
  EXPECT_NE(Refusal([&] { request_.candidates[0].entries.clear(); }).find("entries"),
            std::string::npos);
  EXPECT_NE(Refusal([&] {
              entry().output = {{int64_t{1} << 39}};
              entry().canonical_output = {int64_t{1} << 39};
            }).find("memory"),
            std::string::npos);
  EXPECT_NE(Refusal([&] { entry().probe_points = {32}; }).find("probe point 32"),
            std::string::npos);
  EXPECT_NE(Refusal([&] {
              entry().canonical_output = {INT64_MAX, INT64_MAX};
            }).find("canonical"),
            std::string::npos);
  EXPECT_NE(Refusal([&] { entry().canonical_output = {4}; }).find("canonical"), std::string::npos);
  EXPECT_NE(Refusal([&] {
              entry().prepare = PrepareSpec{"pack", 3, {{4}}};
            }).find("input 3"),
            std::string::npos);
  for (const char* symbol : {"", "a b", "a;b", "a\nb", "../a"}) {
    EXPECT_NE(Refusal([&] { entry().symbol = symbol; }).find("symbol"), std::string::npos);
  }
  EXPECT_NE(Refusal([&] { job_.set_deadline_ms(0); }).find("deadline_ms"), std::string::npos);
  EXPECT_NE(Refusal([&] { job_.set_deadline_ms(UINT64_MAX); }).find("deadline_ms"),
            std::string::npos);
}

TEST_F(JobCheck, ArtifactsAreThoseOfTheJobAndNoPathsOfThisMachine) {
  for (const char* path : {"", "/etc/passwd", "../../x"}) {
    EXPECT_NE(Refusal([&] { request_.candidates[0].artifact_path = path; }).find("artifact_path"),
              std::string::npos);
  }
  EXPECT_NE(Refusal([&] { job_.mutable_artifacts(0)->set_sha256("short"); }).find("32 bytes"),
            std::string::npos);
  EXPECT_NE(Refusal([&] { job_.mutable_artifacts(0)->set_size(0); }).find("artifacts"),
            std::string::npos);
  EXPECT_NE(Refusal([&] { job_.mutable_artifacts(0)->set_size(UINT64_MAX); }).find("artifacts"),
            std::string::npos);
}

TEST_F(JobCheck, AnotherProtocolIsNotTheJobsFault) {
  request_.protocol = kRunProtocolVersion + 1;
  EXPECT_TRUE(absl::IsFailedPrecondition(Check().status()));
}

// Whatever bytes come, the answer is yes or no.
TEST_F(JobCheck, DamagedRequestsAreRefusedOrTaken) {
  const std::string good = nlohmann::json(request_).dump();
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      const size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, 1 + random() % 20);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 40));
          break;
        default:
          text.insert(at, "99999999999999999999");
      }
      if (text.empty()) text = " ";
    }
    job_.set_run_request(text);
    refused += CheckJob(job_, device_).ok() ? 0 : 1;
  }
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace halyard
