// What after a product is computed with it.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {
namespace {

using Counts = std::map<std::string, int>;

class Epilogue : public testing::Test {
 protected:
  // [1, 5, 7] x [7, 3].
  std::string Product() { return w.Node("MatMul", {w.Input("x", {1, 5, 7}), w.Weight({7, 3})}); }
  std::string Conv() {
    return w.Node("Conv", {w.Input("x", {1, 8, 6, 6}), w.Weight({4, 8, 1, 1})});
  }
  // What became of the only product.
  std::string Found(const std::string& output) {
    w.Output(output);
    const Counts tasks = TasksOf(w);
    if (tasks.size() != 1) return std::to_string(tasks.size()) + " tasks";
    const std::string& text = tasks.begin()->first;
    const size_t at = text.find(",packed=1");
    return text.substr(at + 9, text.rfind(':') - at - 9);
  }

  ModelWriter w;
};

TEST_F(Epilogue, BiasIsAVectorOfTheColumns) {
  EXPECT_EQ(Found(w.Node("Add", {w.Weight({3}), Product()})), ",bias=1");
}

TEST_F(Epilogue, BiasMayBeAnInput) {
  const std::string bias = w.Input("bias", {1, 1, 3});
  EXPECT_EQ(Found(w.Node("Add", {Product(), bias})), ",bias=1");
}

TEST_F(Epilogue, AVectorOfTheRowsIsNoBias) {
  EXPECT_EQ(Found(w.Node("Add", {Product(), w.Weight({5, 1})})), "");
}

TEST_F(Epilogue, BiasOfAConvolutionIsOfItsChannels) {
  EXPECT_EQ(Found(w.Node("Add", {Conv(), w.Weight({4, 1, 1})})), ",bias=1");
}

TEST_F(Epilogue, AVectorOfAConvolutionsColumnsIsNoBias) {
  EXPECT_EQ(Found(w.Node("Add", {Conv(), w.Weight({6})})), "");
}

TEST_F(Epilogue, ResidualThenActivation) {
  const std::string residual = w.Input("residual", {1, 5, 3});
  const std::string biased = w.Node("Add", {Product(), w.Weight({3})});
  EXPECT_EQ(Found(w.Node("Relu", {w.Node("Add", {residual, biased})})),
            ",bias=1,residual=1,act=relu");
}

TEST_F(Epilogue, WhatEnlargesTheOutputIsNone) {
  EXPECT_EQ(Found(w.Node("Add", {Product(), w.Input("more", {4, 5, 3})})), "");
}

TEST_F(Epilogue, ItsOwnDoubleIsNone) {
  const std::string product = Product();
  EXPECT_EQ(Found(w.Node("Add", {product, product})), "");
}

TEST_F(Epilogue, NothingIsFusedAcrossWhatOthersRead) {
  const std::string product = Product();
  w.Output(product);
  EXPECT_EQ(Found(w.Node("Relu", {product})), "") << "the graph hands it out";
}

TEST_F(Epilogue, NothingIsFusedAcrossWhatANodeReadsTwice) {
  const std::string product = Product();
  w.Output(w.Node("Sigmoid", {product}));
  EXPECT_EQ(Found(w.Node("Relu", {product})), "");
}

TEST_F(Epilogue, NothingFollowsAnActivation) {
  EXPECT_EQ(Found(w.Node("Add", {w.Node("Relu", {Product()}), w.Weight({3})})), ",act=relu");
}

TEST_F(Epilogue, ClipFromZeroIsRelu) {
  EXPECT_EQ(Found(w.Node("Clip", {Product(), w.Scalar(0)})), ",act=relu");
}

TEST_F(Epilogue, ClipFromZeroToTheLargestFloatIsRelu) {
  const std::string most = w.Scalar(std::numeric_limits<float>::max());
  EXPECT_EQ(Found(w.Node("Clip", {Product(), w.Scalar(0), most})), ",act=relu");
}

TEST_F(Epilogue, ClipBeforeOpset11HasItsBoundsAsAttributes) {
  w = ModelWriter(10);
  EXPECT_EQ(Found(w.Node("Clip", {Product()}, {Attr("min", 0.0f)})), ",act=relu");
}

TEST_F(Epilogue, OtherActivationsAreLeft) {
  for (const char* op : {"Clip", "HardSwish", "Sigmoid", "LeakyRelu"}) {
    w = ModelWriter(14);
    std::vector<std::string> inputs = {Product()};
    if (op == std::string("Clip")) inputs.insert(inputs.end(), {w.Scalar(0), w.Scalar(6)});
    EXPECT_EQ(Found(w.Node(op, inputs)), "");
    EXPECT_EQ(ReasonFor(w, op), "no such activation; act= has relu and gelu");
  }
}

TEST_F(Epilogue, BatchNormalizationGoesIntoConstantWeightsAndBias) {
  const std::string normal = w.Node(
      "BatchNormalization", {Conv(), w.Weight({4}), w.Weight({4}), w.Weight({4}), w.Weight({4})});
  EXPECT_EQ(Found(w.Node("Relu", {normal})), ",bias=1,act=relu");
}

TEST_F(Epilogue, BatchNormalizationOfOtherWeightsIsLeft) {
  const std::string conv = w.Node("Conv", {w.Input("x", {1, 8, 6, 6}), w.Input("w", {4, 8, 1, 1})});
  w.Output(w.Node("BatchNormalization",
                  {conv, w.Weight({4}), w.Weight({4}), w.Weight({4}), w.Weight({4})}));
  EXPECT_EQ(TasksOf(w), (Counts{{"conv2d:1x6x6x8x4x1x1:f32", 1}}));
  EXPECT_EQ(ReasonFor(w, "BatchNormalization"),
            "not right after a convolution of constant weights");
}

TEST_F(Epilogue, GeluInEachOrderOfItsFactors) {
  for (int form = 0; form < 4; form++) {
    w = ModelWriter();
    const std::string x = Product();
    const std::string inside = form % 2 == 0 ? w.Node("Div", {x, w.Scalar(std::sqrt(2.0f))})
                                             : w.Node("Mul", {w.Scalar(std::sqrt(0.5f)), x});
    const std::string sum = w.Node("Add", {w.Scalar(1), w.Node("Erf", {inside})});
    std::string gelu;
    if (form == 0) gelu = w.Node("Mul", {w.Node("Mul", {x, sum}), w.Scalar(0.5f)});
    if (form == 1) gelu = w.Node("Mul", {w.Node("Mul", {w.Scalar(0.5f), x}), sum});
    if (form == 2) gelu = w.Node("Mul", {x, w.Node("Mul", {sum, w.Scalar(0.5f)})});
    if (form == 3) gelu = w.Node("Mul", {w.Scalar(0.5f), w.Node("Mul", {sum, x})});
    EXPECT_EQ(Found(gelu), ",act=gelu") << form;
    const auto network = ReadBack(w);
    EXPECT_EQ(network->covered_nodes, 6) << form;
  }
}

TEST_F(Epilogue, GeluOfOtherConstantsIsNone) {
  for (int wrong = 0; wrong < 3; wrong++) {
    w = ModelWriter();
    const std::string x = Product();
    const std::string inside = w.Node("Div", {x, w.Scalar(wrong == 0 ? 1.5f : std::sqrt(2.0f))});
    const std::string sum =
        w.Node("Add", {w.Node("Erf", {inside}), w.Scalar(wrong == 1 ? 2.0f : 1.0f)});
    EXPECT_EQ(Found(w.Node("Mul", {w.Node("Mul", {x, sum}), w.Scalar(wrong == 2 ? 0.25f : 0.5f)})),
              "")
        << wrong;
  }
}

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): another function, by up to 5e-4.
TEST_F(Epilogue, GeluByTanhIsNone) {
  const std::string x = Product();
  const std::string cube = w.Node("Mul", {w.Node("Pow", {x, w.Scalar(3)}), w.Scalar(0.044715f)});
  const std::string inside = w.Node("Mul", {w.Node("Add", {x, cube}), w.Scalar(0.7978846f)});
  const std::string sum = w.Node("Add", {w.Node("Tanh", {inside}), w.Scalar(1)});
  EXPECT_EQ(Found(w.Node("Mul", {w.Node("Mul", {x, w.Scalar(0.5f)}), sum})), "");
}

TEST_F(Epilogue, OfTwoProductsThatAreAddedTheFirstTakesTheOther) {
  const std::string x = w.Input("x", {5, 7});
  const std::string first = w.Node("MatMul", {x, w.Weight({7, 3})});
  const std::string second = w.Node("MatMul", {x, w.Weight({7, 3})});
  w.Output(w.Node("Relu", {w.Node("Add", {second, first})}));
  EXPECT_EQ(TasksOf(w), (Counts{{"gemm:5x3x7,packed=1,residual=1,act=relu:f32", 1},
                                {"gemm:5x3x7,packed=1:f32", 1}}));
}

}  // namespace
}  // namespace halyard
