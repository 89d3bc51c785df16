// Problems larger in their first size than a tuned one, which its kernel runs in parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_replace.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/library/operator_contract.h"

namespace halyard {
namespace {

class LibraryParts : public testing::TestWithParam<std::string> {
 protected:
  const LibraryUnderTest& library() const { return LibraryFor(GetParam()); }
};

// Of the first size of both calls. Iterations of the parallel loops are those of the kernel's own
// once a part, or, of a kernel that has none, the parts that are whole, of which the library makes
// a loop; loops of one are not counted.
void ExpectInParts(const Call& call, const CallResult& result, int64_t first,
                   const CallResult& tuned) {
  const int64_t whole = call.sizes[0] / first, parts = (call.sizes[0] + first - 1) / first;
  if (tuned.iterations > 0) {
    EXPECT_EQ(result.iterations, parts * tuned.iterations) << Describe(call);
  } else if (result.iterations != 0) {
    EXPECT_EQ(result.iterations, whole) << Describe(call);
  }
}

// Around each tuned size, whatever the operator and its way: right, nothing past the end touched
// (run_operator.c), and the first part, as far as the last does not reach into it, is the tuned
// problem's to the bit.
TEST_P(LibraryParts, AreRightAndOfTheTunedKernel) {
  for (const bool counted : {true, false}) {
    std::vector<Call> calls;
    for (const Variant& v : library().spec().variants) {
      const int64_t first = v.workload.shape[0];
      for (const int64_t asked : {first, first - 1, first + 1, 2 * first - 1, 2 * first,
                                  2 * first + 1, 5 * first + first / 2}) {
        if (asked < 1) continue;
        calls.push_back(CallOf(v.workload));
        calls.back().sizes[0] = asked;
        calls.back().counted = counted;
      }
    }
    const auto results = library().Run(calls);
    ASSERT_EQ(results.size(), calls.size());
    size_t tuned = 0;
    int64_t first = 0, in_parts = 0;
    for (size_t i = 0; i < calls.size(); i++) {
      EXPECT_EQ(results[i].status, 0) << Describe(calls[i]);
      ExpectRight(calls[i], results[i]);
      if (results[i].tuned) tuned = i, first = calls[i].sizes[0];
      if (calls[i].sizes[0] <= first) continue;
      in_parts++;
      const int64_t asked = calls[i].sizes[0];
      if (!FindContract(calls[i].op)->in_parts) continue;
      if (counted) ExpectInParts(calls[i], results[i], first, results[tuned]);
      const size_t row = results[tuned].output.size() / static_cast<size_t>(first);
      const size_t same = static_cast<size_t>(std::min(first, asked - (asked % first ? first : 0)));
      ASSERT_GT(same, 0u);
      EXPECT_EQ(results[i].output.size(), row * static_cast<size_t>(asked));
      EXPECT_EQ(std::memcmp(results[i].output.data(), results[tuned].output.data(),
                            same * row * sizeof(float)),
                0)
          << Describe(calls[i]);
    }
    EXPECT_GE(in_parts, 4 * static_cast<int64_t>(library().spec().variants.size()));
  }
}

// The first size alone may be another.
TEST_P(LibraryParts, AreOfTheSameOtherSizesAndAttributes) {
  const std::vector<Call> calls = {
      {"gemm", {96, 41, 24}, 0, false, std::nullopt, true},
      {"conv2d", {4, 9, 9, 8, 8, 3, 3, 2, 0, 1, 8}, 0, false, std::nullopt, true},
      {"softmax", {40, 71}, 0, false, std::nullopt, true},
      {"attention", {4, 9, 21, 8, 0}, 0, false, std::nullopt, true},
  };
  const auto results = library().Run(calls);
  ASSERT_EQ(results.size(), calls.size());
  for (size_t i = 0; i < calls.size(); i++) {
    EXPECT_EQ(results[i].status, 0);
    EXPECT_FALSE(results[i].tuned);
    ExpectRight(calls[i], results[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryParts, testing::Values("host", "rpi4"),
                         [](const auto& info) { return info.param; });

constexpr char kSerial[] = "gemm:1x32x9:f32";  // safe, but without parallel loops

const LibraryUnderTest& Choices() {
  static const LibraryUnderTest library([] {
    LibrarySpec spec{LoadDevice("host").value(), "choices", {},
                     ScratchFolder("choices"),   "0123",    ""};
    int64_t id = 1;
    for (const auto& [workload, ns] :
         std::vector<std::pair<std::string, double>>{{"gemm:4x40x24:f32", 100},
                                                     {"gemm:16x40x24:f32", 200},
                                                     {"gemm:64x40x24:f32", 600},
                                                     {"gemm:4x40x24,packed=1:f32", 40},
                                                     {"gemm:4x40x24,act=relu:f32", 110},
                                                     {"batch_gemm:2x5x17x9:f32", 100},
                                                     {"batch_gemm:4x5x17x9:f32", 200},
                                                     {kSerial, 100},
                                                     {"softmax:4x33:f32", 100}}) {
      spec.variants.push_back(MakeVariant(workload, spec.device, /*safe=*/true, id++));
      Record& r = spec.variants.back().record;
      if (r.workload == kSerial) {
        r.config = absl::StrReplaceAll(
            r.config, {{"parallel=outer", "parallel=serial"}, {"pack_b=root", "pack_b=none"}});
      }
      r.samples = {ns};
    }
    return spec;
  }());
  return library;
}

Call Choice(const std::string& op, const std::vector<int64_t>& sizes) {
  Call call{op, sizes};
  call.counted = true;
  return call;
}

Call Gemm(int64_t m) { return Choice("gemm", {m, 40, 24}); }

Call PackedGemm(int64_t m) {
  Call call = Gemm(m);
  call.packed = true;
  return call;
}

Call FusedGemm(int64_t m) {
  Call call = Gemm(m);
  call.epilogue = Epilogue{false, false, Activation::kRelu};
  return call;
}

// Each first call is run by the kernel tuned for the second, in parts or as it is.
void ExpectRunBy(const std::vector<std::pair<Call, Call>>& cases) {
  std::vector<Call> calls;
  for (const auto& [asked, tuned] : cases) {
    calls.push_back(asked);
    calls.push_back(tuned);
  }
  const auto results = Choices().Run(calls);
  ASSERT_EQ(results.size(), calls.size());
  for (size_t i = 0; i < calls.size(); i += 2) {
    EXPECT_TRUE(results[i + 1].tuned) << Describe(calls[i + 1]);
    EXPECT_EQ(results[i].status, 0) << Describe(calls[i]);
    ExpectRight(calls[i], results[i]);
    ExpectInParts(calls[i], results[i], calls[i + 1].sizes[0], results[i + 1]);
  }
}

// Its loops tell it from the others: once each a part.
TEST(LibraryPartsChoice, TheOneWithLeastMeasuredTimeIsTaken) {
  ASSERT_GT(Choices().Run({Gemm(4)}).at(0).iterations, 0);
  ExpectRunBy({{Gemm(8), Gemm(4)},
               {Gemm(11), Gemm(4)},
               {Gemm(13), Gemm(4)},      // 16 has more rows
               {Gemm(17), Gemm(16)},     // 400 ns; of 4, 500
               {Gemm(33), Gemm(16)},     // 600 ns; of 4, 900
               {Gemm(80), Gemm(16)},     // 1000 ns; of 64, 1200
               {Gemm(100), Gemm(64)},    // 1200 ns; of 16, 1400
               {Gemm(128), Gemm(64)}});  // 1200 ns; of 16, 1600
}

TEST(LibraryPartsChoice, OfEqualOnesTheLargestIsTaken) {
  const auto batch = [](int64_t b) { return Choice("batch_gemm", {b, 5, 17, 9}); };
  ExpectRunBy({{batch(8), batch(4)}, {batch(7), batch(4)}, {batch(6), batch(2)}});
}

TEST(LibraryPartsChoice, ATunedShapeRunsItsOwnKernel) {
  ExpectRunBy({{Gemm(4), Gemm(4)}, {Gemm(16), Gemm(16)}, {Gemm(64), Gemm(64)}});
  // Packed, 4 parts of 40 ns are less than the plain kernel's 200, but 16 are more than 600.
  ExpectRunBy({{PackedGemm(4), PackedGemm(4)},
               {PackedGemm(16), PackedGemm(4)},
               {PackedGemm(64), Gemm(64)},
               {PackedGemm(65), PackedGemm(4)},
               {PackedGemm(128), Gemm(64)}});
}

// Unless the operator without an epilogue takes less than half of it.
TEST(LibraryPartsChoice, AnEpilogueIsPutIntoThePartsToo) {
  ExpectRunBy({{FusedGemm(4), FusedGemm(4)},
               {FusedGemm(8), FusedGemm(4)},
               {FusedGemm(20), FusedGemm(4)},
               {FusedGemm(64), Gemm(64)},
               {FusedGemm(128), Gemm(64)}});
}

// Far more parts than there are tasks, of a kernel without loops of its own.
TEST(LibraryPartsChoice, ThousandsOfPartsAreSharedOut) {
  std::vector<Call> calls;
  for (const int64_t rows : {1, 2, 255, 256, 257, 5000}) {
    calls.push_back(Choice("gemm", {rows, 32, 9}));
  }
  const auto results = Choices().Run(calls);
  ASSERT_EQ(results.size(), calls.size());
  std::vector<int> tasks;
  for (size_t i = 0; i < calls.size(); i++) {
    EXPECT_EQ(results[i].status, 0);
    ExpectRight(calls[i], results[i]);
    tasks.push_back(results[i].iterations);
  }
  EXPECT_EQ(tasks, (std::vector<int>{0, 2, 255, 256, 256, 256}));
}

// Softmax's parts took longer than its fall-back: its rows are a loop of their own there.
TEST(LibraryPartsChoice, SoftmaxIsLeftToTheFallBack) {
  const auto results = Choices().Run({Choice("softmax", {4, 33}), Choice("softmax", {64, 33})});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].tuned);
  EXPECT_EQ(results[1].iterations, 64);
  ExpectRight(Choice("softmax", {64, 33}), results[1]);
}

}  // namespace
}  // namespace halyard
