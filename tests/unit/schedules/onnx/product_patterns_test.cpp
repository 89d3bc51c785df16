// Which products become which workloads, and why others none.

#include <gtest/gtest.h>

#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {
namespace {

using Counts = std::map<std::string, int>;

struct ConvCase {
  Dims x = {1, 8, 14, 14}, w = {16, 8, 3, 3};
  Attributes attributes = {};
};

ModelWriter ConvModel(const ConvCase& c) {
  ModelWriter m;
  m.Output(m.Node("Conv", {m.Input("x", c.x), m.Weight(c.w)}, c.attributes));
  return m;
}

Counts ConvTasks(const ConvCase& c) { return TasksOf(ConvModel(c)); }
std::string WhyNoConv(const ConvCase& c) { return ReasonFor(ConvModel(c), "Conv"); }

ModelWriter MatMulModel(const Dims& a, const Dims& b, bool constant_b) {
  ModelWriter m;
  const std::string x = m.Input("a", a);
  m.Output(m.Node("MatMul", {x, constant_b ? m.Weight(b) : m.Input("b", b)}));
  return m;
}

Counts One(const std::string& text) { return {{text, 1}}; }

TEST(MatMul, OfMatricesAndOfABatchWithOneWeight) {
  EXPECT_EQ(TasksOf(MatMulModel({5, 7}, {7, 3}, false)), One("gemm:5x3x7:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({5, 7}, {7, 3}, true)), One("gemm:5x3x7,packed=1:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({2, 4, 5, 7}, {7, 3}, true)), One("gemm:40x3x7,packed=1:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({2, 5, 7}, {1, 7, 3}, true)), One("gemm:10x3x7,packed=1:f32"));
}

TEST(MatMul, OfVectors) {
  EXPECT_EQ(TasksOf(MatMulModel({7}, {7, 3}, true)), One("gemm:1x3x7,packed=1:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({5, 7}, {7}, true)), One("gemm:5x1x7,packed=1:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({7}, {6, 7, 3}, false)), Counts());
  EXPECT_EQ(TasksOf(MatMulModel({6, 5, 7}, {6, 7, 3}, false)), One("batch_gemm:6x5x3x7:f32"));
}

TEST(MatMul, OfABatchWithMatricesOfItsOwn) {
  EXPECT_EQ(TasksOf(MatMulModel({2, 6, 5, 7}, {2, 6, 7, 3}, false)),
            One("batch_gemm:12x5x3x7:f32"));
  EXPECT_EQ(TasksOf(MatMulModel({6, 5, 7}, {6, 7, 3}, true)),
            One("batch_gemm:6x5x3x7,packed=1:f32"));
}

TEST(MatMul, BroadcastOverABatchIsNone) {
  for (const auto& [a, b] :
       {std::pair{Dims{5, 7}, Dims{6, 7, 3}}, std::pair{Dims{2, 6, 5, 7}, Dims{6, 7, 3}},
        std::pair{Dims{2, 1, 5, 7}, Dims{1, 6, 7, 3}}}) {
    EXPECT_EQ(ReasonFor(MatMulModel(a, b, false), "MatMul"),
              "an operand is broadcast over the products of a batch");
  }
}

TEST(MatMul, OfHalfFloatsIsNone) {
  ModelWriter m;
  const auto half = onnx::TensorProto::FLOAT16;
  m.Output(m.Node("MatMul", {m.Input("a", {4, 8}, half), m.Input("b", {8, 4}, half)}), half);
  EXPECT_EQ(ReasonFor(m, "MatMul"), "not f32");
}

TEST(MatMul, LargerThanAnOperatorTakesIsNoneAndKeepsItsWork) {
  const auto network = ReadBack(MatMulModel({65536, 8}, {8, 65536}, true));
  ASSERT_TRUE(network.ok()) << network.status();
  ASSERT_EQ(network->not_covered.size(), 1u);
  EXPECT_NE(network->not_covered[0].reason.find("4.29e+09 elements"), std::string::npos)
      << network->not_covered[0].reason;
  EXPECT_EQ(network->not_covered[0].flops, 2.0 * 65536 * 65536 * 8);
}

TEST(MatMul, OfConstantsIsComputedAheadOfTheCalls) {
  ModelWriter m;
  const std::string product = m.Node("MatMul", {m.Weight({4, 8}), m.Weight({8, 4})});
  m.Output(m.Node("MatMul", {m.Input("x", {2, 4}), product}));
  EXPECT_EQ(TasksOf(m), One("gemm:2x4x4,packed=1:f32"));
}

struct GemmCase {
  bool trans_a = false, trans_b = false, constant_b = true, constant_c = true;
  float alpha = 1, beta = 1;
  Dims c = {};
};

ModelWriter GemmModel(const GemmCase& g) {
  ModelWriter m;
  const Dims b = g.trans_b ? Dims{3, 7} : Dims{7, 3};
  std::vector<std::string> inputs = {m.Input("a", g.trans_a ? Dims{7, 5} : Dims{5, 7}),
                                     g.constant_b ? m.Weight(b) : m.Input("b", b)};
  if (!g.c.empty()) inputs.push_back(g.constant_c ? m.Weight(g.c) : m.Input("c", g.c));
  m.Output(m.Node("Gemm", inputs,
                  {Attr("transA", int64_t{g.trans_a}), Attr("transB", int64_t{g.trans_b}),
                   Attr("alpha", g.alpha), Attr("beta", g.beta)}));
  return m;
}

TEST(Gemm, ConstantWeightsTakeTranspositionAndAlpha) {
  EXPECT_EQ(TasksOf(GemmModel({})), One("gemm:5x3x7,packed=1:f32"));
  EXPECT_EQ(TasksOf(GemmModel({.trans_b = true, .alpha = 0.5f})), One("gemm:5x3x7,packed=1:f32"));
  EXPECT_EQ(ReasonFor(GemmModel({.trans_b = true, .constant_b = false}), "Gemm"),
            "operand b is transposed, and not constant");
  EXPECT_EQ(ReasonFor(GemmModel({.trans_a = true}), "Gemm"),
            "operand a is transposed, and not constant");
  EXPECT_EQ(ReasonFor(GemmModel({.constant_b = false, .alpha = 0.5f}), "Gemm"),
            "alpha is 0.5, and no operand is constant to take it");
}

TEST(Gemm, ItsCIsABiasOrAResidual) {
  const std::string bias = "gemm:5x3x7,packed=1,bias=1:f32";
  for (const Dims& c : {Dims{3}, Dims{1, 3}, Dims{1}}) {
    EXPECT_EQ(TasksOf(GemmModel({.c = c})), One(bias)) << c.size();
  }
  EXPECT_EQ(TasksOf(GemmModel({.constant_c = false, .c = {3}})), One(bias));
  EXPECT_EQ(TasksOf(GemmModel({.beta = 0.5f, .c = {3}})), One(bias));
  EXPECT_EQ(TasksOf(GemmModel({.constant_c = false, .c = {5, 3}})),
            One("gemm:5x3x7,packed=1,residual=1:f32"));
  EXPECT_EQ(TasksOf(GemmModel({.beta = 0, .c = {5, 3}})), One("gemm:5x3x7,packed=1:f32"));
  EXPECT_EQ(ReasonFor(GemmModel({.c = {5, 1}}), "Gemm"),
            "its c of 5x1 is neither a bias of the columns nor a whole matrix");
  EXPECT_EQ(ReasonFor(GemmModel({.constant_c = false, .beta = 0.5f, .c = {3}}), "Gemm"),
            "beta is 0.5, and c is not constant to take it");
}

TEST(Conv, StridesPadsDilationsGroups) {
  EXPECT_EQ(ConvTasks({}), One("conv2d:1x14x14x8x16x3x3,packed=1:f32"));
  EXPECT_EQ(ConvTasks({.attributes = {Attr("strides", Dims{2, 2}), Attr("pads", Dims{1, 1, 1, 1}),
                                      Attr("dilations", Dims{2, 2})}}),
            One("conv2d:1x14x14x8x16x3x3,stride=2,pad=1,dilation=2,packed=1:f32"));
  EXPECT_EQ(ConvTasks({.w = {16, 2, 3, 3}, .attributes = {Attr("group", int64_t{4})}}),
            One("conv2d:1x14x14x8x16x3x3,groups=4,packed=1:f32"));
  EXPECT_EQ(ConvTasks({.w = {8, 1, 3, 3}, .attributes = {Attr("group", int64_t{8})}}),
            One("conv2d:1x14x14x8x8x3x3,groups=8,packed=1:f32"));
  EXPECT_EQ(ConvTasks({.x = {4, 8, 10, 20}, .w = {16, 8, 1, 5}}),
            One("conv2d:4x10x20x8x16x1x5,packed=1:f32"));
}

TEST(Conv, AutoPad) {
  auto padded = [](const std::string& auto_pad, const Dims& strides, const Dims& x) {
    return ConvCase{.x = x, .attributes = {Attr("auto_pad", auto_pad), Attr("strides", strides)}};
  };
  EXPECT_EQ(ConvTasks(padded("SAME_UPPER", {1, 1}, {1, 8, 14, 14})),
            One("conv2d:1x14x14x8x16x3x3,pad=1,packed=1:f32"));
  EXPECT_EQ(ConvTasks(padded("SAME_LOWER", {2, 2}, {1, 8, 15, 15})),
            One("conv2d:1x15x15x8x16x3x3,stride=2,pad=1,packed=1:f32"));
  EXPECT_EQ(ConvTasks(padded("VALID", {1, 1}, {1, 8, 14, 14})),
            One("conv2d:1x14x14x8x16x3x3,packed=1:f32"));
  // An even image has one more row of padding at one end.
  EXPECT_EQ(WhyNoConv(padded("SAME_UPPER", {2, 2}, {1, 8, 14, 14})),
            "pads 0,0,1,1 differ by side; conv2d has one");
  EXPECT_EQ(WhyNoConv(padded("SAME_LOWER", {2, 2}, {1, 8, 14, 14})),
            "pads 1,1,0,0 differ by side; conv2d has one");
}

TEST(Conv, WhatConv2dHasNot) {
  EXPECT_EQ(WhyNoConv({.attributes = {Attr("strides", Dims{1, 2})}}),
            "strides differ by dimension; conv2d has one");
  EXPECT_EQ(WhyNoConv({.attributes = {Attr("dilations", Dims{1, 2})}}),
            "dilations differ by dimension; conv2d has one");
  EXPECT_EQ(WhyNoConv({.attributes = {Attr("pads", Dims{1, 0, 1, 0})}}),
            "pads 1,0,1,0 differ by side; conv2d has one");
  EXPECT_EQ(WhyNoConv({.x = {1, 8, 14}, .w = {16, 8, 3}}), "1 spatial dimensions; conv2d has two");
}

TEST(Conv, OfWeightsThatAreNotConstantIsNotPacked) {
  ModelWriter m;
  m.Output(m.Node("Conv", {m.Input("x", {1, 8, 14, 14}), m.Input("w", {16, 8, 3, 3})}));
  EXPECT_EQ(TasksOf(m), One("conv2d:1x14x14x8x16x3x3:f32"));
}

TEST(Constants, ThroughIdentityCastAndUnsqueezeAreConstants) {
  ModelWriter m;
  const std::string identity = m.Node("Identity", {m.Weight({7, 3})});
  const std::string cast =
      m.Node("Cast", {identity}, {Attr("to", int64_t{onnx::TensorProto::FLOAT})});
  m.Output(m.Node("MatMul", {m.Input("x", {5, 7}), m.Node("Unsqueeze", {cast, m.Integers({0})})}));
  const auto network = ReadBack(m);
  ASSERT_TRUE(network.ok()) << network.status();
  EXPECT_EQ(TasksOf(*network), One("gemm:5x3x7,packed=1:f32"));
  EXPECT_EQ(network->free_nodes, 3);
}

TEST(Duplicates, AreOneTaskInTheOrderOfTheFirstCall) {
  ModelWriter m;
  std::string x = m.Input("x", {4, 8});
  for (int i = 0; i < 3; i++) {
    x = m.Node("MatMul", {m.Node("MatMul", {x, m.Weight({8, 6})}), m.Weight({6, 8})});
  }
  m.Output(x);
  const auto network = ReadBack(m);
  ASSERT_TRUE(network.ok()) << network.status();
  ASSERT_EQ(network->tasks.size(), 2u);
  EXPECT_EQ(network->tasks[0].workload.ToText(), "gemm:4x6x8,packed=1:f32");
  EXPECT_EQ(network->tasks[0].count, 3);
  EXPECT_EQ(network->tasks[1].count, 3);
}

}  // namespace
}  // namespace halyard
