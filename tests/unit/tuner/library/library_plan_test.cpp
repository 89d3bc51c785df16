#include "tuner/library/library_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tuner/library/planned_library.h"

namespace halyard {
namespace {

using testing::HasSubstr;

TEST(PlanLibrary, NumbersVariantsBySizeWhateverTheOrderOfTheSpec) {
  LibrarySpec spec = HandMadeSpec();
  const auto plan = PlanLibrary(spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->prefix, "TUNED_RPI4");
  ASSERT_EQ(plan->operators.size(), OperatorNames().size());
  for (const PlannedOperator& planned : plan->operators) {
    EXPECT_EQ(planned.fallback_symbol, "tuned_rpi4_" + planned.op->name() + "_any");
    if (planned.op->name() != "gemm") continue;
    ASSERT_EQ(planned.variants.size(), 2u);
    EXPECT_EQ(planned.variants[0].symbol, "tuned_rpi4_gemm_v0");
    EXPECT_EQ(planned.variants[0].variant->workload.ToText(), "gemm:16x16x16:f32");
    EXPECT_EQ(planned.variants[1].variant->workload.ToText(), "gemm:128x16x16:f32");
  }
}

TEST(PlanLibrary, EachEpilogueOfAShapeIsAVariantAfterThePlainOnes) {
  LibrarySpec spec = HandMadeSpec();
  for (const char* text : {"gemm:16x16x16,act=gelu:f32", "gemm:16x16x16,packed=1,bias=1:f32",
                           "gemm:16x16x16,bias=1:f32", "gemm:128x16x16,packed=1:f32"}) {
    spec.variants.push_back(HandMadeVariant(text, spec.device, 10));
  }
  const auto plan = PlanLibrary(spec);
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> order;
  for (const PlannedOperator& planned : plan->operators) {
    if (planned.op->name() != "gemm") continue;
    for (const PlannedVariant& v : planned.variants) {
      order.push_back(v.variant->workload.ToText());
      EXPECT_EQ(v.epilogue, EpilogueOf(v.variant->workload));
    }
  }
  EXPECT_THAT(
      order, testing::ElementsAre("gemm:16x16x16:f32", "gemm:128x16x16:f32",
                                  "gemm:128x16x16,packed=1:f32", "gemm:16x16x16,act=gelu:f32",
                                  "gemm:16x16x16,bias=1:f32", "gemm:16x16x16,packed=1,bias=1:f32"));
}

TEST(PlanLibrary, EveryOperatorHasAContractForItsTensors) {
  for (const std::string& name : OperatorNames()) {
    const OperatorContract* contract = FindContract(name);
    ASSERT_NE(contract, nullptr) << name;
    EXPECT_EQ(contract->tensors.size(), FindOperator(name)->input_names().size() + 1) << name;
  }
}

TEST(PlanLibrary, ANameThatIsNoIdentifierIsRefused) {
  for (const char* name : {"", "tuned-rpi4", "4pi", "_x", "a b", "tuned/rpi4"}) {
    LibrarySpec spec = HandMadeSpec();
    spec.name = name;
    EXPECT_EQ(PlanLibrary(spec).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

struct BadRecord {
  const char* what;
  void (*spoil)(LibrarySpec&);
  absl::StatusCode code;
};

TEST(PlanLibrary, ARecordThatCannotHaveEarnedThePlaceIsNamed) {
  const BadRecord cases[] = {
      {"ended in 'wrong_result'",
       [](LibrarySpec& s) { s.variants[2].record.outcome = Outcome::kWrongResult; },
       absl::StatusCode::kInvalidArgument},
      {"is a measurement of softmax:9x9:f32",
       [](LibrarySpec& s) { s.variants[2].record.workload = "softmax:9x9:f32"; },
       absl::StatusCode::kInvalidArgument},
      {"was measured on host", [](LibrarySpec& s) { s.variants[2].record.device = "host"; },
       absl::StatusCode::kInvalidArgument},
      {"is in ns of a", [](LibrarySpec& s) { s.variants[2].record.unit = "ns"; },
       absl::StatusCode::kInvalidArgument},
      {"of a physical board",
       [](LibrarySpec& s) { s.variants[2].record.board_kind = BoardKind::kPhysical; },
       absl::StatusCode::kInvalidArgument},
      {"is of space version 99", [](LibrarySpec& s) { s.variants[2].record.space_version = 99; },
       absl::StatusCode::kFailedPrecondition},
      {"stands twice", [](LibrarySpec& s) { s.variants.push_back(s.variants[2]); },
       absl::StatusCode::kInvalidArgument},
  };
  for (const BadRecord& bad : cases) {
    LibrarySpec spec = HandMadeSpec();
    bad.spoil(spec);
    const auto plan = PlanLibrary(spec);
    EXPECT_EQ(plan.status().code(), bad.code) << bad.what;
    const std::string message(plan.status().message());
    EXPECT_THAT(message, HasSubstr(bad.what));
    EXPECT_THAT(message, HasSubstr("softmax:8x8:f32"));
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace halyard
