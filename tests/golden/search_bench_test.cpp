// The search bench, in small: every strategy on recorded spaces, and one budget dealt to them, to
// the last figure. A change of these figures is a change of how we search; `tune replay` on larger
// recordings says whether it is a better one. Where it is meant, run this test with
// HALYARD_UPDATE_GOLDENS=1.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tuner/replay/replay_report.h"
#include "tuner/replay/together.h"

namespace halyard {
namespace {

const std::string kFolder = HALYARD_GOLDENS;

// Counted on the virtual board, and timed on a machine with its noise.
std::vector<RecordedTask> Spaces() {
  auto spaces = LoadRecordedTasks(
      {kFolder + "/softmax_512x300_rpi4.space", kFolder + "/softmax_1024x500_host.space"});
  EXPECT_TRUE(spaces.ok()) << spaces.status();
  return spaces.ok() ? *std::move(spaces) : std::vector<RecordedTask>{};
}

int Threads() { return static_cast<int>(std::max(1u, std::thread::hardware_concurrency())); }

void ExpectGolden(const std::string& text, const std::string& name) {
  const std::string path = kFolder + "/" + name;
  if (std::getenv("HALYARD_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << text;
    GTEST_SKIP() << path << " written anew";
  }
  std::ostringstream expected;
  expected << std::ifstream(path).rdbuf();
  EXPECT_EQ(text, expected.str());
}

TEST(SearchBench, EveryFigureIsAsItWas) {
  const std::vector<RecordedTask> spaces = Spaces();
  ASSERT_FALSE(spaces.empty());
  ReplayOptions options;
  options.strategies = ReplayStrategies();
  options.seeds = 5;
  options.trials = 128;
  ExpectGolden(ReportText(Report(spaces, options, ReplayAll(spaces, options, Threads()))),
               "search_bench.txt");
}

TEST(SearchBench, ADealtBudgetTooIsAsItWas) {
  const std::vector<RecordedTask> spaces = Spaces();
  ASSERT_FALSE(spaces.empty());
  TogetherOptions options;
  options.seeds = 5;
  options.trials = 64;
  options.weights = {1, 4};
  ExpectGolden(TogetherText(ReplayTogether(spaces, options, Threads())), "together_bench.txt");
}

}  // namespace
}  // namespace halyard
