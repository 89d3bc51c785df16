// The judge of answers is tested with answers that are wrong in every way it names.

#include "tuner/candidate_runner.h"

#include <gtest/gtest.h>

#include "targets/counter_rng.h"
#include "tests/unit/tuner/answering_board.h"

namespace halyard {
namespace {

Workload Parse(const std::string& text) { return ParseWorkload(text).value(); }

TEST(WhyWrong, AcceptsTheReferenceAndNamesEachFault) {
  const Workload w = Parse("gemm:24x17x9:f32");
  const Expectation e = Expect(*FindOperator("gemm"), w, 5);
  const EntryResult right = RightAnswer(e);
  EXPECT_EQ(WhyWrong(e, right), "");
  auto with = [&](auto change) {
    EntryResult r = right;
    change(r);
    return WhyWrong(e, r);
  };
  EXPECT_NE(with([](EntryResult& r) { r.probe_values[3] += 0.01f; }).find("element"),
            std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.probe_values[0] = NAN; }).find("element"),
            std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.projection += 1; }).find("projection"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.projection = NAN; }).find("projection"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.poison_left = 2; }).find("unwritten"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.non_finite = 1; }).find("NaN"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.guards_intact = false; }).find("outside"),
            std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.reruns_agree = false; }).find("timed"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.inputs_intact = false; }).find("input"), std::string::npos);
  EXPECT_NE(with([](EntryResult& r) { r.probe_values.pop_back(); }).find("probe"),
            std::string::npos);
}

// The projection is computed by another road than the sum it stands for.
TEST(Expect, ProjectionIsTheSignedSumOfTheReference) {
  for (const char* text :
       {"gemm:5x7x11:f32", "batch_gemm:3x5x7x11:f32", "batch_gemm:3x5x7x11,bias=1,residual=1:f32",
        "conv2d:2x6x5x4x6x3x3,stride=2,pad=1,groups=2:f32",
        "conv2d:1x7x7x5x5x3x3,pad=2,dilation=2,groups=5:f32"}) {
    const Workload w = Parse(text);
    const Operator& op = *FindOperator(w.op);
    const uint64_t seed = 9;
    const InputReader in = [seed](int input, int64_t index) {
      return static_cast<double>(
          CounterUniform(seed, static_cast<uint64_t>(input), static_cast<uint64_t>(index)));
    };
    const BufferSpec shape = op.OutputShape(w);
    double sum = 0;
    for (int64_t i = 0; i < shape.elements(); i++) {
      double sign = 1;
      int64_t rest = i;
      for (size_t d = shape.extents.size(); d-- > 0;) {
        sign *= ProjectionSign(seed, d, static_cast<uint64_t>(rest % shape.extents[d]));
        rest /= shape.extents[d];
      }
      sum += sign * op.Reference(w, in, i);
    }
    EXPECT_NEAR(op.Projection(w, in, seed).value(), sum, 1e-9) << text;
  }
}

TEST(VirtualCycles, ExtrapolatesSerialWorkAndDealsTasksToCores) {
  EntryResult small, large;
  small.serial_cycles = 100;
  small.regions = {{4, {400}, 0}};
  large.serial_cycles = 100;  // done once, whatever the size
  large.regions = {{8, {800}, 0}};
  // 10 tasks' worth, 4 cores: 22 tasks of 100 cycles in 6 turns.
  const ProbePlan plan{{Workload{}, Workload{}}, 4.5, 1};
  EXPECT_DOUBLE_EQ(VirtualCycles(plan, {small, large}, {4}).value(), 100 + 100 * 6);
  // Repeated 3 times: 66 tasks in 17 turns, the serial part 3 times.
  const ProbePlan heads{{Workload{}, Workload{}}, 4.5, 3};
  EXPECT_DOUBLE_EQ(VirtualCycles(heads, {small, large}, {4}).value(), 300 + 100 * 17);
  // Memory that takes longer than the cores decides.
  small.regions[0].memory_cycles = 200;
  large.regions[0].memory_cycles = 400;
  EXPECT_DOUBLE_EQ(VirtualCycles(plan, {small, large}, {4}).value(), 100 + 1100);
  EXPECT_FALSE(VirtualCycles(plan, {small, large}, {2, 2}).ok());
  large.regions.push_back({1, {1}, 0});
  EXPECT_FALSE(VirtualCycles(plan, {small, large}, {4}).ok());
}

}  // namespace
}  // namespace halyard
