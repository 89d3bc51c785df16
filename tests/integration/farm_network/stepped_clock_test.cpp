// The date is put a day ahead or back while a lease runs: it lasts as long as it says.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "tests/integration/farm_network/farm_network.h"

namespace halyard {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLease{6'000};

// For programs with threads; of the package faketime.
std::string FakeTimeLibrary() {
  for (const char* triplet : {"x86_64-linux-gnu", "aarch64-linux-gnu"}) {
    const std::string path = std::string("/usr/lib/") + triplet + "/faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

// A farm whose programs have a date of their own, and nothing else: their steady clock is real.
class DatedFarm {
 public:
  DatedFarm() {
    Set("+0");
    farm_.emplace(
        /*certificates=*/false,
        std::vector<std::string>{"LD_PRELOAD=" DATED_FUTEX ":" + FakeTimeLibrary(),
                                 "FAKETIME_TIMESTAMP_FILE=" + File(), "FAKETIME_NO_CACHE=1",
                                 "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"});
  }
  NetworkFarm& farm() { return *farm_; }
  // As libfaketime reads it, "+1d" say.
  void Set(const std::string& offset) const {
    std::ofstream(File() + ".new") << offset << "\n";
    std::filesystem::rename(File() + ".new", File());
  }

 private:
  std::string File() const { return folder_.Path("date"); }
  ScratchFolder folder_;
  std::optional<NetworkFarm> farm_;
};

void StepWhileALeaseRuns(const std::string& offset) {
  SCOPED_TRACE(offset);
  DatedFarm dated;
  NetworkFarm& farm = dated.farm();
  const auto agent = farm.StartAgent("sim");
  ASSERT_TRUE(farm.SoonLive(1)) << agent->Log();
  const auto client = farm.Connect("ann");
  std::atomic<bool> stop{false};
  auto result = std::async(std::launch::async, [&, run = farm.SleepingRun(1'000)] {
    return NetworkFarm::Measure(*client, "sim", run, kLease, stop);
  });
  ASSERT_TRUE(NetworkFarm::Eventually([&] { return farm.Status().running() == 1; }));
  const auto began = Clock::now();
  agent->Signal(SIGSTOP);  // it does not end the lease
  std::this_thread::sleep_for(kLease / 3);
  dated.Set(offset);
  ASSERT_TRUE(NetworkFarm::Eventually([&] { return farm.Status().running() == 0; }));
  const double error = std::chrono::duration<double>(Clock::now() - began - kLease).count();
  EXPECT_LE(std::abs(error), 1.0);
  agent->Signal(SIGCONT);
  const auto ended = result.get();
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(ended->end(), farm::v1::RequestResult::DONE);
  EXPECT_EQ(ended->losses(), 1u);
  // Nobody was taken for lost by it.
  EXPECT_EQ(farm.tracker().process().Events("agent_left").size(), 0u);
  EXPECT_TRUE(NetworkFarm::Measure(*client, "sim", farm.SleepingRun(100), kLease, stop).ok());
  // The step was one: the tracker's own log has it.
  const std::string first = farm.tracker().process().Events("serving").at(0)["time"];
  agent->Signal(SIGTERM);
  EXPECT_EQ(agent->AwaitEnd(kFarmSoon), 0);
  ASSERT_TRUE(farm.tracker().process().AwaitEvents("agent_left", 1, kFarmSoon));
  const std::string last = farm.tracker().process().Events("agent_left").at(0)["time"];
  EXPECT_NE(first.substr(0, 10), last.substr(0, 10));
  printf("date %s: the lease of %.1f s ended %+.2f s late; the log went from %s to %s\n",
         offset.c_str(), static_cast<double>(kLease.count()) / 1000, error, first.c_str(),
         last.c_str());
}

TEST(SteppedClock, ALeaseLastsAsLongAsItSays) {
  if (FakeTimeLibrary().empty()) {
    GTEST_SKIP() << "libfaketimeMT.so.1 is missing: install the package faketime";
  }
  std::thread ahead(StepWhileALeaseRuns, "+1d");
  StepWhileALeaseRuns("-1d");
  ahead.join();
}

}  // namespace
}  // namespace halyard
