// What the functions of a library answer: right results, or a code.
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "schedules/operator.h"
#include "tests/integration/library/library_under_test.h"
#include "tuner/library/library_plan.h"

namespace halyard {
namespace {

constexpr int kOk = 0, kBadArgument = 1;

class LibraryAnswers : public testing::TestWithParam<std::string> {
 protected:
  const LibraryUnderTest& library() const { return LibraryFor(GetParam()); }

  // Every call is answered, right, by kernels that are tuned for it or are not.
  void ExpectAllRight(const std::vector<Call>& calls, bool tuned) const {
    const auto results = library().Run(calls);
    ASSERT_EQ(results.size(), calls.size());
    for (size_t i = 0; i < calls.size(); i++) {
      EXPECT_EQ(results[i].status, kOk) << Describe(calls[i]);
      EXPECT_EQ(results[i].tuned, tuned) << Describe(calls[i]);
      ExpectRight(calls[i], results[i]);
    }
  }
};

TEST_P(LibraryAnswers, TunedShapesRunTheirVariantAndAreRight) {
  std::vector<Call> calls;
  for (const Variant& v : library().spec().variants) {
    calls.push_back(CallOf(v.workload));
  }
  ExpectAllRight(calls, /*tuned=*/true);
}

TEST_P(LibraryAnswers, ShapesNeverTunedFallBackAndAreRight) {
  const std::vector<Call> calls = {
      {"gemm", {48, 40, 25}},
      {"gemm", {1, 1, 1}},
      {"gemm", {1, 131, 67}},
      {"gemm", {67, 3, 129}},
      {"batch_gemm", {2, 48, 40, 24}},  // a tuned one but for its batch
      {"batch_gemm", {1, 1, 1, 1}},
      {"batch_gemm", {7, 5, 67, 31}},
      {"conv2d", {1, 10, 9, 8, 16, 3, 3, 1, 0, 1, 1}},  // a tuned one but for its padding
      {"conv2d", {2, 11, 7, 6, 9, 3, 2, 2, 1, 2, 3}},
      {"conv2d", {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1}},
      {"conv2d", {1, 13, 13, 24, 24, 5, 5, 1, 2, 1, 24}},
      {"softmax", {1, 1}},
      {"softmax", {3, 1000}},
      {"softmax", {301, 7}},
      {"attention", {1, 1, 1, 1, 0}},
      {"attention", {3, 37, 53, 19, 1}},
      {"attention", {2, 24, 24, 8, 1}},  // a tuned one but for its mask
  };
  ExpectAllRight(calls, /*tuned=*/false);
}

// Packing copies, and the call runs the plain kernel, tuned or not.
TEST_P(LibraryAnswers, ShapesNeverTunedPackedAreRightToo) {
  const std::vector<Call> calls = {
      {"gemm", {48, 40, 24}, 0, true},  // tuned with b as it is
      {"gemm", {7, 131, 67}, 0, true},
      {"batch_gemm", {7, 5, 67, 31}, 0, true},
      {"conv2d", {1, 6, 6, 16, 8, 1, 1, 1, 0, 1, 1}, 0, true},
      {"conv2d", {2, 11, 7, 6, 9, 3, 2, 2, 1, 2, 3}, 0, true},
  };
  ExpectAllRight(calls, /*tuned=*/false);
}

// The plain operator, tuned or not, packed or not, and a pass for the epilogue.
TEST_P(LibraryAnswers, EpiloguesNeverTunedAreRightToo) {
  std::vector<Call> calls;
  for (const Call& plain :
       {Call{"gemm", {33, 17, 9}}, Call{"gemm", {48, 40, 24}}, Call{"gemm", {7, 131, 67}},
        Call{"batch_gemm", {3, 33, 17, 9}}, Call{"conv2d", {1, 10, 9, 8, 16, 3, 3, 1, 1, 1, 1}},
        Call{"conv2d", {2, 11, 7, 6, 9, 3, 2, 2, 1, 2, 3}}}) {
    for (const Epilogue& e :
         {Epilogue{}, Epilogue{true, false, Activation::kNone},
          Epilogue{true, true, Activation::kGelu}, Epilogue{false, false, Activation::kRelu}}) {
      for (const bool packed : {false, true}) {
        calls.push_back(plain);
        calls.back().epilogue = e;
        calls.back().packed = packed;
      }
    }
  }
  ExpectAllRight(calls, /*tuned=*/false);
}

TEST_P(LibraryAnswers, AnActivationThatIsNoneOfTheEnumIsRefused) {
  std::vector<Call> calls;
  for (const int activation : {-1, 3}) {
    for (const bool packed : {false, true}) {
      calls.push_back({"gemm", {4, 4, 4}, 0, packed});
      calls.back().epilogue = Epilogue{true, true, static_cast<Activation>(activation)};
    }
  }
  for (const CallResult& r : library().Run(calls)) EXPECT_EQ(r.status, kBadArgument);
}

TEST_P(LibraryAnswers, NullPointersAreRefused) {
  std::vector<Call> calls;
  for (const Call& good : {Call{"gemm", {4, 4, 4}}, Call{"batch_gemm", {2, 4, 4, 4}},
                           Call{"conv2d", {1, 4, 4, 2, 2, 3, 3, 1, 1, 1, 1}},
                           Call{"softmax", {4, 4}}, Call{"attention", {1, 4, 4, 4, 0}}}) {
    for (size_t i = 0; i <= FindOperator(good.op)->input_names().size(); i++) {
      calls.push_back(good);
      calls.back().null_mask = 1 << i;
      if (!LibraryPlan::HasEpilogue(*FindOperator(good.op))) continue;
      for (const bool packed : {false, true}) {
        calls.push_back(calls.back());
        calls.back().packed = packed;
        calls.back().epilogue = Epilogue{};
      }
      calls.push_back(calls.back());
      calls.back().epilogue.reset();
    }
  }
  for (const CallResult& r : library().Run(calls)) EXPECT_EQ(r.status, kBadArgument);
}

// The library accepts exactly what the tuner accepts as a workload, and answers it right.
TEST_P(LibraryAnswers, RulesAreThoseOfWorkloads) {
  std::mt19937_64 rng(5);
  auto pick = [&](const std::vector<int64_t>& from) { return from[rng() % from.size()]; };
  const std::vector<int64_t> usual = {1, 2, 3, 5, 8, 17, 33};
  const std::vector<int64_t> odd = {-1,
                                    0,
                                    70000,
                                    std::numeric_limits<int32_t>::max(),
                                    int64_t{1} << 31,
                                    (int64_t{1} << 32) + 1,
                                    std::numeric_limits<int64_t>::max(),
                                    std::numeric_limits<int64_t>::min()};
  std::vector<Call> calls;
  for (const std::string& name : OperatorNames()) {
    const Operator* op = FindOperator(name);
    for (int i = 0; i < 150; i++) {
      Call call{name, {}};
      for (size_t d = 0; d < op->dim_names().size(); d++) {
        call.sizes.push_back(rng() % 16 == 0 ? pick(odd) : pick(usual));
      }
      for (const AttributeSpec& a : LibraryPlan::CallAttributes(*op)) {
        call.sizes.push_back(rng() % 16 == 0 ? pick({a.min - 1, a.max + 1, a.max})
                                             : pick({a.default_value, a.min, a.min + 1}));
      }
      if (LibraryPlan::HasEpilogue(*op) && rng() % 4 == 0) {
        call.epilogue =
            Epilogue{rng() % 2 == 0, rng() % 2 == 0, static_cast<Activation>(rng() % 3)};
      }
      const auto workload = WorkloadOf(call);
      call.packed = LibraryPlan::HasEpilogue(*op) && rng() % 4 == 0;
      if (!workload.ok() || (op->Flops(*workload) < 1e6 && op->Bytes(*workload) < 1e6)) {
        calls.push_back(call);
      }
    }
  }
  const auto results = library().Run(calls);
  ASSERT_EQ(results.size(), calls.size());
  int good = 0;
  for (size_t i = 0; i < calls.size(); i++) {
    const bool expected = WorkloadOf(calls[i]).ok();
    EXPECT_EQ(results[i].status, expected ? kOk : kBadArgument) << Describe(calls[i]);
    good += expected;
    if (expected && results[i].status == kOk) ExpectRight(calls[i], results[i]);
  }
  EXPECT_GT(good, 100);
  EXPECT_GT(static_cast<int>(calls.size()) - good, 100);
}

INSTANTIATE_TEST_SUITE_P(Devices, LibraryAnswers, testing::Values("host", "rpi4"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace halyard
