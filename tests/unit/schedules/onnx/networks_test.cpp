// Three networks as exporters write them, against counts by hand and against the lists of workloads
// that came from their papers.

#include "tests/unit/schedules/onnx/networks.h"

#include <gtest/gtest.h>

namespace halyard {
namespace {

using Counts = std::map<std::string, int>;

// As schedules/workloads/ has it, which lists products without what follows them.
Counts WithoutEpilogues(const Network& network) {
  Counts counts;
  for (const ListedWorkload& task : network.tasks) {
    Workload plain = task.workload;
    for (const char* name : {"bias", "residual", "act"}) {
      if (plain.attributes.count(name) != 0) plain.attributes[name] = 0;
    }
    counts[plain.ToText()] += task.count;
  }
  return counts;
}

Counts Listed(const std::string& file) {
  Counts counts;
  const auto workloads = ReadWorkloadFile(HALYARD_WORKLOADS "/" + file).value();
  for (const ListedWorkload& task : workloads) {
    counts[task.workload.ToText()] = task.count;
  }
  return counts;
}

// Nodes by operator.
Counts Left(const Network& network) {
  Counts counts;
  for (const NotCovered& group : network.not_covered) counts[group.op] += group.nodes;
  return counts;
}

int Calls(const Network& network, const std::string& part) {
  int calls = 0;
  for (const auto& [text, count] : TasksOf(network)) {
    calls += text.find(part) == std::string::npos ? 0 : count;
  }
  return calls;
}

void ExpectEveryNodeCounted(const Network& network) {
  int left = 0;
  for (const NotCovered& group : network.not_covered) left += group.nodes;
  EXPECT_EQ(network.covered_nodes + network.free_nodes + left, network.nodes);
}

TEST(Networks, MobileNetV2) {
  const auto network = ReadBack(MobileNetV2());
  ASSERT_TRUE(network.ok()) << network.status();
  EXPECT_EQ(WithoutEpilogues(*network), Listed("mobilenet_v2.txt"));
  // 52 convolutions, all with a bias; 10 blocks of stride 1 and equal widths end in a residual.
  EXPECT_EQ(Calls(*network, "conv2d:"), 52);
  EXPECT_EQ(Calls(*network, ",bias=1"), 53);
  EXPECT_EQ(Calls(*network, ",residual=1"), 10);
  EXPECT_EQ(TasksOf(*network).at("conv2d:1x14x14x576x96x1x1,packed=1,bias=1,residual=1:f32"), 2);
  EXPECT_EQ(TasksOf(*network).at("gemm:1x1000x1280,packed=1,bias=1:f32"), 1);
  // An activation after the first, after 16 expansions and 17 depthwise, and after the last.
  EXPECT_EQ(Left(*network), (Counts{{"Clip", 35}, {"GlobalAveragePool", 1}}));
  EXPECT_EQ(network->free_nodes, 1) << "Flatten";
  ExpectEveryNodeCounted(*network);
}

TEST(Networks, ResNet50) {
  const auto network = ReadBack(ResNet50());
  ASSERT_TRUE(network.ok()) << network.status();
  EXPECT_EQ(WithoutEpilogues(*network), Listed("resnet50.txt"));
  // One in front, three in each of 16 blocks, and four that change the width.
  EXPECT_EQ(Calls(*network, "conv2d:"), 53);
  EXPECT_EQ(Calls(*network, ",bias=1"), 54) << "BatchNormalization of each, and the classifier's";
  EXPECT_EQ(Calls(*network, ",residual=1,act=relu"), 16);
  EXPECT_EQ(Calls(*network, ",act=relu"), 49);
  EXPECT_EQ(TasksOf(*network).at("conv2d:1x56x56x64x256x1x1,packed=1,bias=1:f32"), 1);
  EXPECT_EQ(
      TasksOf(*network).at("conv2d:1x56x56x64x256x1x1,packed=1,bias=1,residual=1,act=relu:f32"), 3);
  EXPECT_EQ(Left(*network), (Counts{{"GlobalAveragePool", 1}, {"MaxPool", 1}}));
  ExpectEveryNodeCounted(*network);
}

TEST(Networks, BertBaseIsOneAttentionALayer) {
  const auto network = ReadBack(BertBase(/*mask=*/false), {1, {{"sequence", 128}}});
  ASSERT_TRUE(network.ok()) << network.status();
  // The list has the softmax of the attention as a task beside it.
  Counts listed = Listed("bert_base.txt");
  ASSERT_EQ(listed.erase("softmax:1536x128:f32"), 1u);
  EXPECT_EQ(WithoutEpilogues(*network), listed);
  EXPECT_EQ(TasksOf(*network), (Counts{{"gemm:128x768x768,packed=1,bias=1:f32", 36},
                                       {"gemm:128x768x768,packed=1,bias=1,residual=1:f32", 12},
                                       {"attention:12x128x64:f32", 12},
                                       {"gemm:128x3072x768,packed=1,bias=1,act=gelu:f32", 12},
                                       {"gemm:128x768x3072,packed=1,bias=1,residual=1:f32", 12},
                                       {"gemm:1x768x768,packed=1,bias=1:f32", 1}}));
  // 25 normalisations of nine nodes, a Transpose at each of Q, K, V and out, two look-ups and the
  // first token's, and the two sums of the embedding.
  EXPECT_EQ(Left(*network), (Counts{{"Add", 2 * 25 + 2},
                                    {"Div", 25},
                                    {"Gather", 3},
                                    {"Mul", 25},
                                    {"Pow", 25},
                                    {"ReduceMean", 50},
                                    {"Sqrt", 25},
                                    {"Sub", 25},
                                    {"Tanh", 1},
                                    {"Transpose", 48}}));
  ExpectEveryNodeCounted(*network);
}

TEST(Networks, BertBaseWithAMaskIsTakenApart) {
  const auto network = ReadBack(BertBase(/*mask=*/true), {1, {{"sequence", 128}}});
  ASSERT_TRUE(network.ok()) << network.status();
  const Counts tasks = TasksOf(*network);
  EXPECT_EQ(tasks.count("attention:12x128x64:f32"), 0u);
  EXPECT_EQ(tasks.at("batch_gemm:12x128x128x64:f32"), 12);
  EXPECT_EQ(tasks.at("batch_gemm:12x128x64x128:f32"), 12);
  EXPECT_EQ(tasks.at("softmax:1536x128:f32"), 12);
  int masks = 0;
  for (const NotCovered& group : network->not_covered) {
    if (group.reason.find("a mask that attention has not") == 0) masks += group.nodes;
  }
  EXPECT_EQ(masks, 12);
  ExpectEveryNodeCounted(*network);
}

TEST(Networks, TheBatchIsMoreRowsOfAProductAndMoreHeads) {
  const Counts tasks = TasksOf(BertBase(/*mask=*/false), {4, {{"sequence", 32}}});
  EXPECT_EQ(tasks.at("gemm:128x768x768,packed=1,bias=1:f32"), 36);
  EXPECT_EQ(tasks.at("attention:48x32x64:f32"), 12);
}

}  // namespace
}  // namespace halyard
