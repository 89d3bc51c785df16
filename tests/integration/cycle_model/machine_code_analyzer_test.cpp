// The model's cycles of inner loops, caches hitting, ranked beside those of LLVM's machine code
// analyzer, whose core models were written by others after the same optimization guides.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "fmt/format.h"
#include "targets/child_process.h"
#include "targets/device.h"
#include "targets/virtual_board/block_simulation.h"
#include "targets/virtual_board/decode_aarch64.h"
#include "tests/device_test_name.h"

namespace halyard {
namespace {

struct Loop {
  std::string name;
  std::vector<uint8_t> bytes;
};

std::vector<Loop> ReadLoops() {
  std::ifstream file(HALYARD_LOOPS);
  std::vector<Loop> loops;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    Loop loop;
    std::string hex;
    words >> loop.name >> hex;
    for (size_t at = 0; at + 1 < hex.size(); at += 2) {
      loop.bytes.push_back(static_cast<uint8_t>(std::stoi(hex.substr(at, 2), nullptr, 16)));
    }
    loops.push_back(std::move(loop));
  }
  return loops;
}

std::string RunTool(const std::vector<std::string>& argv, const std::string& input) {
  ChildLimits limits;
  limits.deadline = std::chrono::seconds(60);
  const ChildResult r = RunChild(argv, input, limits);
  EXPECT_EQ(r.exit_code, 0) << argv[0] << ": " << r.err.substr(0, 500);
  return r.out;
}

// All loops as assembly, each a region of its own.
std::string Assembly(const std::vector<Loop>& loops) {
  std::string text;
  for (const Loop& loop : loops) {
    std::string hex;
    for (const uint8_t byte : loop.bytes) hex += fmt::format("0x{:02x} ", byte);
    text += "# LLVM-MCA-BEGIN " + loop.name + "\n";
    text += RunTool({"llvm-mc-14", "--disassemble", "-triple=aarch64", "-mattr=+v8.2a"}, hex);
    text += "# LLVM-MCA-END\n";
  }
  return text;
}

constexpr int kIterations = 100;

// Cycles of a turn, by name.
std::map<std::string, double> Analyze(const std::string& analyzer, const std::string& cpu,
                                      const std::string& assembly) {
  std::istringstream report(RunTool(
      {analyzer, "-mtriple=aarch64", "-mattr=+v8.2a", "-mcpu=" + cpu,
       fmt::format("-iterations={}", kIterations), "-instruction-info=0", "-resource-pressure=0"},
      assembly));
  std::map<std::string, double> cycles;
  std::string name;
  for (std::string line; std::getline(report, line);) {
    if (const size_t at = line.find("Code Region - "); at != std::string::npos) {
      name = line.substr(at + 14);
    }
    if (line.starts_with("Total Cycles:")) cycles[name] = std::stod(line.substr(13)) / kIterations;
  }
  return cycles;
}

std::vector<double> Ranks(const std::vector<double>& values) {
  std::vector<double> ranks;
  for (const double v : values) {
    double below = 0, same = 0;
    for (const double w : values) {
      below += w < v ? 1 : 0;
      same += w == v ? 1 : 0;
    }
    ranks.push_back(below + (same - 1) / 2);
  }
  return ranks;
}

double Spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> x = Ranks(a), y = Ranks(b);
  const double mean = static_cast<double>(x.size() - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = 0; i < x.size(); i++) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xy / std::sqrt(xx * yy);
}

struct Reference {
  const char* device;
  size_t cluster;
  // LLVM gives many cores the model of another: these are whose model is the core's own or, of
  // those there are, the nearest.
  const char* analyzer;
  const char* cpu;
};

class MachineCodeAnalyzer : public testing::TestWithParam<Reference> {};

TEST_P(MachineCodeAnalyzer, RanksLoopsAlike) {
  const Reference& reference = GetParam();
  if (!RunChild({reference.analyzer, "--version"}, "", ChildLimits{}).started) {
    GTEST_SKIP() << reference.analyzer << " is not installed";
  }
  const std::vector<Loop> loops = ReadLoops();
  ASSERT_GE(loops.size(), 20u);
  static const std::string assembly = Assembly(loops);
  std::map<std::string, double> analyzed = Analyze(reference.analyzer, reference.cpu, assembly);
  const Device device = LoadDevice(reference.device).value();
  const CoreModel& model = device.virtual_board.model.clusters.at(reference.cluster).core;
  Core core;
  std::string error;
  ASSERT_TRUE(core.Set(model, &error)) << error;
  std::vector<double> ours, theirs, work, ratios;
  for (const Loop& loop : loops) {
    ASSERT_EQ(analyzed.count(loop.name), 1u) << loop.name;
    const std::vector<Instruction> block = DecodeAarch64(loop.bytes);
    ours.push_back(BlockCycles(core, block, block, true));
    theirs.push_back(analyzed[loop.name]);
    work.push_back(static_cast<double>(block.size()));
    ratios.push_back(ours.back() / theirs.back());
    if (std::getenv("HALYARD_SHOW_LOOPS") != nullptr) {
      fmt::print("  {:<14} {:>4} instructions {:>8.2f} {:>8.2f}\n", loop.name, block.size(),
                 ours.back(), theirs.back());
    }
  }
  std::vector<double> our_rate, their_rate;
  for (size_t i = 0; i < ours.size(); i++) {
    our_rate.push_back(ours[i] / work[i]);
    their_rate.push_back(theirs[i] / work[i]);
  }
  std::sort(ratios.begin(), ratios.end());
  const double rank = Spearman(ours, theirs);
  fmt::print(
      "{} against {} {}: {} loops, Spearman {:.3f}, of cycles an instruction {:.3f}; ours / theirs "
      "{:.2f} in the median, {:.2f} to {:.2f} in the middle four fifths\n",
      model.name, reference.analyzer, reference.cpu, ours.size(), rank,
      Spearman(our_rate, their_rate), ratios[ratios.size() / 2], ratios[ratios.size() / 10],
      ratios[ratios.size() * 9 / 10]);
  EXPECT_GE(rank, 0.9);
}

INSTANTIATE_TEST_SUITE_P(
    Cores, MachineCodeAnalyzer,
    testing::Values(Reference{"jetson-nano", 0, "llvm-mca-14", "cortex-a57"},
                    Reference{"rpi4", 0, "llvm-mca-14", "cortex-a72"},   // the Cortex-A57's model
                    Reference{"rpi5", 0, "llvm-mca-19", "neoverse-n1"},  // a Cortex-A76 for servers
                    Reference{"jetson-orin-nano", 0, "llvm-mca-19", "neoverse-n1"},
                    Reference{"snapdragon-8gen3", 0, "llvm-mca-19", "neoverse-v2"},  // Cortex-X3's
                    Reference{"snapdragon-8gen3", 1, "llvm-mca-19", "neoverse-n2"},  // A710's
                    Reference{"snapdragon-8gen3", 3, "llvm-mca-19", "cortex-a510"}),
    [](const auto& info) {
      return TestNameOf(fmt::format("{}_{}", info.param.device, info.param.cluster));
    });

}  // namespace
}  // namespace halyard
