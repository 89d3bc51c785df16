// The search bench, in small: every strategy on recorded spaces, to the last figure. A change of
// these figures is a change of how we search; `tune replay` on larger recordings says whether it is
// a better one. Where it is meant, run this test with HALYARD_UPDATE_GOLDENS=1.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "tuner/replay/replay_report.h"

namespace halyard {
namespace {

TEST(SearchBench, EveryFigureIsAsItWas) {
  const std::string folder = HALYARD_GOLDENS;
  std::vector<RecordedTask> spaces;
  // Counted on the virtual board, and timed on a machine with its noise.
  for (const char* name : {"softmax_512x300_rpi4.space", "softmax_1024x500_host.space"}) {
    const std::string path = folder + "/" + name;
    const auto space = ReadRecordedSpace(path);
    ASSERT_TRUE(space.ok()) << space.status();
    auto bound = BindRecordedSpace(*space, path);
    ASSERT_TRUE(bound.ok()) << bound.status();
    spaces.push_back(*std::move(bound));
  }
  ReplayOptions options;
  options.strategies = ReplayStrategies();
  options.seeds = 5;
  options.trials = 128;
  const int threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::string text = ReportText(Report(spaces, options, ReplayAll(spaces, options, threads)));

  const std::string expected_path = folder + "/search_bench.txt";
  if (std::getenv("HALYARD_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(expected_path) << text;
    GTEST_SKIP() << expected_path << " written anew";
  }
  std::ostringstream expected;
  expected << std::ifstream(expected_path).rdbuf();
  EXPECT_EQ(text, expected.str());
}

}  // namespace
}  // namespace halyard
