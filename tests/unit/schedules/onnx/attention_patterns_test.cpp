// Softmax alone, and where it is in the middle of attention.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {
namespace {

using Counts = std::map<std::string, int>;

constexpr int64_t kHeads = 4, kQueries = 6, kKeys = 10, kDepth = 16;

// softmax(scale Q K^T + mask) V in its variants.
class Attention : public testing::Test {
 protected:
  std::string Keys(const std::string& k) {
    return w.Node("Transpose", {k}, {Attr("perm", Dims{0, 1, 3, 2})});
  }
  std::string Mixed(const std::string& scores) {
    return w.Node("MatMul", {w.Node("Softmax", {scores}, {Attr("axis", int64_t{-1})}), v});
  }
  std::string Times(const std::string& x, float factor) {
    return w.Node("Mul", {x, w.Scalar(factor)});
  }
  std::string Scores() { return w.Node("MatMul", {q, Keys(k)}); }
  Counts Tasks(const std::string& output) {
    w.Output(output);
    return TasksOf(w);
  }

  ModelWriter w;
  const float scale = 1 / std::sqrt(static_cast<float>(kDepth));
  const std::string q = w.Input("q", {1, kHeads, kQueries, kDepth});
  const std::string k = w.Input("k", {1, kHeads, kKeys, kDepth});
  const std::string v = w.Input("v", {1, kHeads, kKeys, kDepth});
  const Counts one = {{"attention:4x6x10x16:f32", 1}};
  const Counts causal = {{"attention:4x6x10x16,causal=1:f32", 1}};
  const Counts apart = {
      {"batch_gemm:4x6x10x16:f32", 1}, {"softmax:24x10:f32", 1}, {"batch_gemm:4x6x16x10:f32", 1}};
};

TEST_F(Attention, ScaledByAProduct) {
  EXPECT_EQ(Tasks(Mixed(Times(Scores(), scale))), one);
  EXPECT_EQ(ReadBack(w)->covered_nodes, 5) << "the Transpose of the keys too";
}

TEST_F(Attention, ScaledByADivision) {
  EXPECT_EQ(Tasks(Mixed(w.Node("Div", {Scores(), w.Scalar(4)}))), one);
}

TEST_F(Attention, QueriesScaledAhead) {
  EXPECT_EQ(Tasks(Mixed(w.Node("MatMul", {Times(q, scale), Keys(k)}))), one);
}

TEST_F(Attention, QueriesScaledBeforeTheirHeadsAreSplit) {
  const std::string wide = w.Input("wide", {1, kQueries, kHeads * kDepth});
  const std::string split =
      w.Node("Reshape", {Times(wide, scale), w.Integers({1, kQueries, kHeads, kDepth})});
  const std::string heads = w.Node("Transpose", {split}, {Attr("perm", Dims{0, 2, 1, 3})});
  EXPECT_EQ(Tasks(Mixed(w.Node("MatMul", {heads, Keys(k)}))), one);
}

// As PyTorch's scaled_dot_product_attention is exported: the root of the scale at both, computed
// from the shape of the queries.
TEST_F(Attention, QueriesAndKeysScaledByRootsThatComeOfTheShape) {
  const std::string depth =
      w.Node("Slice", {w.Node("Shape", {q}), w.Integers({-1}), w.Integers({1 << 30})});
  const std::string size = w.Node("Cast", {depth}, {Attr("to", int64_t{onnx::TensorProto::FLOAT})});
  const std::string factor = w.Node("Div", {w.Scalar(1), w.Node("Sqrt", {size})});
  const std::string root_q = w.Node("Sqrt", {factor}), root_k = w.Node("Sqrt", {factor});
  const std::string scores =
      w.Node("MatMul", {w.Node("Mul", {q, root_q}), w.Node("Mul", {Keys(k), root_k})});
  EXPECT_EQ(Tasks(Mixed(scores)), one);
}

TEST_F(Attention, KeysThatComeTransposedWithTheirHeads) {
  const std::string wide = w.Input("wide", {1, kKeys, kHeads, kDepth});
  const std::string keys = w.Node("Transpose", {wide}, {Attr("perm", Dims{0, 2, 3, 1})});
  EXPECT_EQ(Tasks(Mixed(Times(w.Node("MatMul", {q, keys}), scale))), one);
  EXPECT_EQ(ReasonFor(w, "Transpose"), "moves data");
}

TEST_F(Attention, HeadsInOneDimensionWithTheBatch) {
  w = ModelWriter();
  const std::string a = w.Input("a", {8, 5, 16}), b = w.Input("b", {8, 5, 16});
  const std::string keys = w.Node("Transpose", {b}, {Attr("perm", Dims{0, 2, 1})});
  const std::string weights =
      w.Node("Softmax", {Times(w.Node("MatMul", {a, keys}), scale)}, {Attr("axis", int64_t{2})});
  EXPECT_EQ(Tasks(w.Node("MatMul", {weights, b})), (Counts{{"attention:8x5x16:f32", 1}}));
}

TEST_F(Attention, WithDropoutThatIsIdle) {
  const std::string weights =
      w.Node("Dropout", {w.Node("Softmax", {Times(Scores(), scale)}, {Attr("axis", int64_t{-1})})});
  EXPECT_EQ(Tasks(w.Node("MatMul", {weights, v})), one);
}

TEST_F(Attention, OfAnotherScaleIsTakenApart) {
  EXPECT_EQ(Tasks(Mixed(Times(Scores(), 0.5f))), apart);
  EXPECT_EQ(ReasonFor(w, "Mul"),
            "scale 0.5 where attention has 1/sqrt(16): taken apart into products and softmax");
}

TEST_F(Attention, OfNoScaleIsTakenApart) { EXPECT_EQ(Tasks(Mixed(Scores())), apart); }

TEST_F(Attention, OfKeysThatAreNotTransposedIsTakenApart) {
  const std::string keys = w.Input("keys", {1, kHeads, kDepth, kKeys});
  EXPECT_EQ(Tasks(Mixed(Times(w.Node("MatMul", {q, keys}), scale))), apart);
}

TEST_F(Attention, WhoseWeightsAreHandedOutIsTakenApart) {
  const std::string weights =
      w.Node("Softmax", {Times(Scores(), scale)}, {Attr("axis", int64_t{-1})});
  w.Output(weights);
  EXPECT_EQ(Tasks(w.Node("MatMul", {weights, v})), apart);
}

TEST_F(Attention, WhoseRowsAreMoreThanTheKeysIsTakenApart) {
  w.model.mutable_opset_import(0)->set_version(12);
  const std::string weights = w.Node("Softmax", {Times(Scores(), scale)});
  EXPECT_EQ(Tasks(w.Node("MatMul", {weights, v})).count("softmax:1x240:f32"), 1u);
}

TEST_F(Attention, OfValuesOfAnotherDepthIsTakenApart) {
  const std::string values = w.Input("values", {1, kHeads, kKeys, 8});
  const std::string weights =
      w.Node("Softmax", {Times(Scores(), scale)}, {Attr("axis", int64_t{-1})});
  EXPECT_EQ(Tasks(w.Node("MatMul", {weights, values})).count("batch_gemm:4x6x8x10:f32"), 1u);
}

std::vector<float> CausalValues(float hidden) {
  std::vector<float> values;
  for (int64_t i = 0; i < kQueries; i++) {
    for (int64_t j = 0; j < kKeys; j++) {
      values.push_back(j <= i + kKeys - kQueries ? 0 : hidden);
    }
  }
  return values;
}

TEST_F(Attention, ConstantMaskOfThePastIsCausal) {
  const std::string mask = w.Tensor({1, 1, kQueries, kKeys}, CausalValues(-INFINITY));
  EXPECT_EQ(Tasks(Mixed(w.Node("Add", {Times(Scores(), scale), mask}))), causal);
}

TEST_F(Attention, MaskOfZerosIsNone) {
  const std::string mask = w.Tensor({1, 1, 1, kKeys}, std::vector<float>(kKeys, 0));
  EXPECT_EQ(Tasks(Mixed(w.Node("Add", {mask, Times(Scores(), scale)}))), one);
}

TEST_F(Attention, SelectionOfThePastIsCausal) {
  std::vector<bool> seen;
  for (const float v : CausalValues(-1)) seen.push_back(v == 0);
  const std::string mask = w.Booleans({1, 1, kQueries, kKeys}, seen);
  EXPECT_EQ(Tasks(Mixed(w.Node("Where", {mask, Times(Scores(), scale), w.Scalar(-1e9f)}))), causal);
}

TEST_F(Attention, OtherMasksAreTakenApart) {
  std::vector<float> shifted = CausalValues(-1e9f);
  shifted[kKeys - kQueries + 1] = 0;  // the first query sees one more
  for (int form = 0; form < 3; form++) {
    w = ModelWriter();
    w.Input("q", {1, kHeads, kQueries, kDepth});
    w.Input("k", {1, kHeads, kKeys, kDepth});
    w.Input("v", {1, kHeads, kKeys, kDepth});
    const Dims dims = {1, 1, kQueries, kKeys};
    std::string mask;
    if (form == 0) mask = w.Input("mask", dims);
    if (form == 1) mask = w.Tensor(dims, shifted);
    if (form == 2) mask = w.Tensor(dims, CausalValues(-1));  // a bias of the scores, hides nothing
    EXPECT_EQ(Tasks(Mixed(w.Node("Add", {Times(Scores(), scale), mask}))), apart) << form;
    EXPECT_EQ(ReasonFor(w, "Add").find("a mask that attention has not"), 0u) << form;
  }
}

Counts SoftmaxTasks(int64_t opset, const Attributes& attributes) {
  ModelWriter w(opset);
  w.Output(w.Node("Softmax", {w.Input("x", {2, 3, 4, 5})}, attributes));
  return TasksOf(w);
}

TEST(Softmax, SinceOpset13IsOverOneDimension) {
  EXPECT_EQ(SoftmaxTasks(13, {}), (Counts{{"softmax:24x5:f32", 1}}));
  EXPECT_EQ(SoftmaxTasks(13, {Attr("axis", int64_t{3})}), (Counts{{"softmax:24x5:f32", 1}}));
  ModelWriter w(13);
  w.Output(w.Node("Softmax", {w.Input("x", {2, 3, 4, 5})}, {Attr("axis", int64_t{1})}));
  EXPECT_EQ(ReasonFor(w, "Softmax"), "over axis 1 of 2x3x4x5; softmax is over the last");
}

TEST(Softmax, BeforeOpset13IsOverAllFromTheAxisOn) {
  EXPECT_EQ(SoftmaxTasks(12, {}), (Counts{{"softmax:2x60:f32", 1}}));
  EXPECT_EQ(SoftmaxTasks(12, {Attr("axis", int64_t{2})}), (Counts{{"softmax:6x20:f32", 1}}));
  EXPECT_EQ(SoftmaxTasks(12, {Attr("axis", int64_t{-1})}), (Counts{{"softmax:24x5:f32", 1}}));
}

TEST(Softmax, OverADimensionBeforeOnesIsOverTheLast) {
  ModelWriter w(13);
  w.Output(w.Node("Softmax", {w.Input("x", {2, 10, 1, 1})}, {Attr("axis", int64_t{1})}));
  EXPECT_EQ(TasksOf(w), (Counts{{"softmax:2x10:f32", 1}}));
}

}  // namespace
}  // namespace halyard
