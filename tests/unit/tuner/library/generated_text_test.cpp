#include "tuner/library/generated_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "nlohmann/json.hpp"
#include "tests/unit/tuner/library/planned_library.h"

namespace halyard {
namespace {

using testing::HasSubstr;

// Planned, and built as far as the texts can tell: buffers as the contract has them.
struct Built {
  LibrarySpec spec = HandMadeSpec();
  LibraryPlan plan;
  explicit Built(const std::vector<std::string>& more = {}) {
    for (const std::string& text : more) {
      spec.variants.push_back(HandMadeVariant(text, spec.device, 4));
    }
    plan = PlanLibrary(spec).value();
    for (PlannedOperator& planned : plan.operators) {
      for (PlannedVariant& v : planned.variants) {
        v.tensors = planned.op->InputShapes(v.variant->workload);
        v.tensors.push_back(planned.op->OutputShape(v.variant->workload));
        v.object_sha256 = "0a";
        if (planned.op->name() == "gemm") v.scratch = ScratchBytes{4096, 640};
      }
    }
  }
};

TEST(GeneratedText, LeavesNoMarkUnfilledAndNoLineTooWide) {
  const Built built;
  const auto dispatcher = DispatcherText(built.plan);
  ASSERT_TRUE(dispatcher.ok()) << dispatcher.status();
  for (const std::string& text : {HeaderText(built.plan), *dispatcher, CMakeConfigText(built.plan),
                                  CMakeConfigVersionText(built.plan), PkgConfigText(built.plan)}) {
    for (size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
      // "${" is CMake's and pkg-config's own, `$"` ends a regular expression.
      EXPECT_TRUE(text[at + 1] == '{' || text[at + 1] == '"') << text.substr(at, 30);
    }
  }
  std::istringstream lines(HeaderText(built.plan));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
}

TEST(GeneratedText, HeaderDocumentsEachFunction) {
  const Built built;
  const std::string header = HeaderText(built.plan);
  EXPECT_THAT(header, HasSubstr("int tuned_rpi4_gemm(int64_t m, int64_t n, int64_t k, "
                                "const float* a, const float* b, float* c);"));
  EXPECT_THAT(header, HasSubstr("a [m][k], read"));
  EXPECT_THAT(header, HasSubstr("Tuned: gemm:16x16x16:f32"));
  EXPECT_THAT(header, HasSubstr("groups: 1 to 1048576, usually 1"));
  EXPECT_THAT(header, HasSubstr("Rule: groups divides ci and co."));
  EXPECT_THAT(header, HasSubstr("No shape is tuned."));
  EXPECT_THAT(header, HasSubstr("TUNED_RPI4_BAD_ARGUMENT = 1"));
}

TEST(GeneratedText, ScratchIsAConstantWhereItIsKnown) {
  const std::string header = HeaderText(Built({"gemm:8x16x4,bias=1,act=gelu:f32"}).plan);
  EXPECT_THAT(header, HasSubstr("#define TUNED_RPI4_SCRATCH_GEMM_128X16X16_F32(threads) \\\n"
                                "  (INT64_C(4096) + (threads) * INT64_C(640))\n"));
  EXPECT_THAT(header, HasSubstr("TUNED_RPI4_SCRATCH_GEMM_8X16X4_BIAS_1_ACT_GELU_F32(threads)"));
  EXPECT_THAT(header, testing::Not(HasSubstr("SCRATCH_SOFTMAX")));
}

TEST(GeneratedText, EpiloguesHaveFunctionsAndRowsOfTheirOwn) {
  const Built built({"gemm:8x16x4,bias=1,act=gelu:f32"});
  const std::string header = HeaderText(built.plan);
  EXPECT_THAT(header, HasSubstr("int tuned_rpi4_gemm_fused(int64_t m, int64_t n, int64_t k, "
                                "int activation, const float* a,\n"));
  EXPECT_THAT(header, HasSubstr("TUNED_RPI4_ACTIVATION_GELU = 2"));
  EXPECT_THAT(header, HasSubstr("residual [n][out_h][out_w][co], read, may be NULL"));
  EXPECT_THAT(header, testing::Not(HasSubstr("softmax_fused")));
  const auto dispatcher = DispatcherText(built.plan);
  ASSERT_TRUE(dispatcher.ok()) << dispatcher.status();
  // Sizes, bias, residual, activation, packed; a, b, bias, c.
  EXPECT_THAT(*dispatcher, HasSubstr("{{8, 16, 4, 1, 0, 2, 0},\n"
                                     "     {{2, {8, 4}}, {2, {4, 16}}, {1, {16}}, {2, {8, 16}}},\n"
                                     "     tuned_rpi4_gemm_v2_argv, {2, 1}, {0, {0}}, NULL},"));
}

// What a device file says must not end the comment it stands in.
TEST(GeneratedText, ADescriptionCannotBecomeCode) {
  Built built;
  built.spec.device.description = "x */ int y;\n$NAME";
  built.spec.device.cpu = "M7 */ int z;";
  EXPECT_THAT(HeaderText(built.plan), HasSubstr("x * / int y; $NAME"));
  const std::string firmware = FirmwareHeaderText(built.plan);
  EXPECT_THAT(firmware, HasSubstr("x * / int y; $NAME"));
  EXPECT_THAT(firmware, HasSubstr("M7 * / int z;"));
}

TEST(GeneratedText, VariantsAreGivenTheBuffersTheirObjectsDeclare) {
  Built built;
  for (PlannedOperator& planned : built.plan.operators) {
    if (planned.op->name() == "softmax") planned.variants[0].tensors = {{{1, 64}}, {{64}}};
  }
  const auto text = DispatcherText(built.plan);
  ASSERT_TRUE(text.ok());
  EXPECT_THAT(*text, HasSubstr("{{8, 8},\n     {{2, {1, 64}}, {1, {64}}},\n"
                               "     tuned_rpi4_softmax_v0, {2, 1}},"));
}

TEST(GeneratedText, ABufferOfTooManyDimensionsIsAnError) {
  Built built;
  for (PlannedOperator& planned : built.plan.operators) {
    if (planned.op->name() == "softmax") {
      planned.variants[0].tensors[0].extents = std::vector<int64_t>(9, 1);
    }
  }
  EXPECT_EQ(DispatcherText(built.plan).status().code(), absl::StatusCode::kInternal);
}

TEST(GeneratedText, ManifestHasTheRecordAndSurvivesTextThatIsNotUtf8) {
  Built built;
  built.spec.variants[2].record.environment = "clock \xff";
  const auto manifest = nlohmann::json::parse(
      ManifestText(built.plan, "Halide", "gcc", {{"libx.a", "aa"}, {"x.h", "bb"}}));
  EXPECT_EQ(manifest["unit"], "virtual_cycles");
  EXPECT_EQ(manifest["board_kind"], "virtual");
  EXPECT_EQ(manifest["compiler"], "Halide");
  EXPECT_EQ(manifest["files"]["libx.a"], "aa");
  ASSERT_EQ(manifest["variants"].size(), 3u);
  EXPECT_EQ(manifest["variants"][0]["workload"], "gemm:16x16x16:f32");
  EXPECT_EQ(manifest["variants"][0]["record"]["id"], 2);
  EXPECT_EQ(manifest["variants"][0]["record"]["value"], 2);
}

}  // namespace
}  // namespace halyard
