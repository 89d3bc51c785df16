// A tracker's memory while a hundred uploads at a time are not what they were said to be.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "rpc_farm/proto/rpc_status.h"
#include "rpc_farm/security/farm_limits.h"
#include "tests/integration/farm_network/tracker_program.h"
#include "tests/integration/farm_network/upload_client.h"

namespace halyard {
namespace {

constexpr int kAtOnce = 100, kUsers = 10;
constexpr size_t kMiB = size_t{1} << 20;
// Threads and their stacks, gRPC's buffers of a connection, the allocator's gaps.
constexpr size_t kSlack = 48 * kMiB;

class UploadMemory : public testing::Test {
 protected:
  UploadMemory() {
    for (int i = 0; i < kUsers; ++i) {
      clients_.push_back(
          std::make_unique<UploadClient>(tracker_.address(), fmt::format("user-{}", i)));
    }
    EXPECT_TRUE(clients_[0]->Upload(std::string(8 * kMiB, 'g')).ok());
    before_ = PeakBytes();
  }
  // VmHWM: the most memory the tracker has had.
  size_t PeakBytes() const {
    std::ifstream file(fmt::format("/proc/{}/status", tracker_.process().pid()));
    for (std::string line; std::getline(file, line);) {
      if (line.rfind("VmHWM:", 0) == 0) return std::stoull(line.substr(6)) << 10;
    }
    ADD_FAILURE() << "the tracker is gone: " << tracker_.process().Log();
    return 0;
  }
  // Each must be refused with `code`, unless there were too many at once.
  void ExpectRefused(grpc::StatusCode code,
                     const std::function<grpc::Status(UploadClient&, int)>& upload) {
    std::mutex mutex;
    std::map<std::string, int> refused, others;
    std::vector<std::thread> threads;
    for (int i = 0; i < kAtOnce; ++i) {
      threads.emplace_back([&, i] {
        const grpc::Status status = upload(*clients_[static_cast<size_t>(i % kUsers)], i);
        const std::lock_guard lock(mutex);
        const bool waits = IsPassingLimit(FromRpc(status));
        (waits || status.error_code() != code ? others : refused)[status.error_message()]++;
        EXPECT_TRUE(waits || status.error_code() == code)
            << status.error_code() << " " << status.error_message();
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_FALSE(refused.empty());
    for (const auto& [why, count] : refused) fmt::print("{:4} refused: {}\n", count, why);
    for (const auto& [why, count] : others) fmt::print("{:4} to wait: {}\n", count, why);
  }
  void TearDown() override {
    // What was refused left nothing: the good one is all there is, if it is: room for what was
    // announced is made ahead, and nobody was using it.
    const std::string kept = tracker_.state() + "/artifacts";
    EXPECT_TRUE(Soon([&] {
      return std::distance(std::filesystem::directory_iterator(kept),
                           std::filesystem::directory_iterator()) <= 1;
    }));
    // A stream's first message is here before there is anybody to refuse it.
    const size_t most =
        before_ + kSlack +
        kAtOnce * (static_cast<size_t>(FarmLimits{}.message_bytes) + (size_t{64} << 10));
    EXPECT_LE(PeakBytes(), most);
    fmt::print("the tracker's most memory: {} MiB, before {} MiB, allowed {} MiB\n",
               PeakBytes() / kMiB, before_ / kMiB, most / kMiB);
    EXPECT_TRUE(clients_[0]->Upload("and it still serves").ok());
  }

  TrackerProgram tracker_;
  std::vector<std::unique_ptr<UploadClient>> clients_;
  size_t before_ = 0;
};

TEST_F(UploadMemory, ASizeFarAboveTheLimit) {
  const std::string some(2 * kMiB, 'a');
  for (const uint64_t size : {uint64_t{64 * kMiB} + 1, uint64_t{1} << 40, UINT64_MAX}) {
    ExpectRefused(grpc::RESOURCE_EXHAUSTED, [&](UploadClient& client, int) {
      return client.Upload(some, size, Sha256Hex("a"));
    });
  }
}

TEST_F(UploadMemory, MoreThanWasSaid) {
  const std::string much(4 * kMiB, 'a');
  ExpectRefused(grpc::INVALID_ARGUMENT, [&](UploadClient& client, int) {
    return client.Upload(much, much.size() / 2, Sha256Hex("a"));
  });
}

// 64 MiB are reserved for each and half a percent of them come.
TEST_F(UploadMemory, LessThanWasSaid) {
  const std::string some(3 * kMiB + 1, 'a');
  ExpectRefused(grpc::DATA_LOSS, [&](UploadClient& client, int) {
    return client.Upload(some, 64 * kMiB, Sha256Hex("a"));
  });
}

TEST_F(UploadMemory, OtherBytesThanWereSaid) {
  const std::string bytes(4 * kMiB, 'a');
  ExpectRefused(grpc::DATA_LOSS, [&](UploadClient& client, int i) {
    return client.Upload(bytes, bytes.size(), Sha256Hex(std::to_string(i)));
  });
}

TEST_F(UploadMemory, ChunksThatAreTooLarge) {
  const std::string bytes(4 * kMiB, 'a');
  ExpectRefused(grpc::INVALID_ARGUMENT, [&](UploadClient& client, int) {
    return client.Upload(bytes, bytes.size(), Sha256Hex(bytes), 1000 << 10);
  });
  // Above what gRPC takes as one message: it refuses them itself.
  ExpectRefused(grpc::RESOURCE_EXHAUSTED, [&](UploadClient& client, int) {
    return client.Upload(bytes, bytes.size(), Sha256Hex(bytes), bytes.size());
  });
}

}  // namespace
}  // namespace halyard
