#include "schedules/workload_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace halyard {
namespace {

absl::StatusOr<std::vector<ListedWorkload>> ReadText(const std::string& text) {
  const std::string path = testing::TempDir() + "/workloads.txt";
  std::ofstream(path) << text;
  return ReadWorkloadFile(path);
}

TEST(WorkloadFile, ReadsWorkloadsAndCounts) {
  const auto listed = ReadText(
      "# a network\n\ngemm 1x2x3\nconv2d 1x8x8x4x4x3x3,pad=1  # x3\n  softmax 4x5 # x12\n");
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->size(), 3u);
  EXPECT_EQ(listed->at(0).workload.ToText(), "gemm:1x2x3:f32");
  EXPECT_EQ(listed->at(0).count, 1);
  EXPECT_EQ(listed->at(1).workload.ToText(), "conv2d:1x8x8x4x4x3x3,pad=1:f32");
  EXPECT_EQ(listed->at(1).count, 3);
  EXPECT_EQ(listed->at(2).count, 12);
}

TEST(WorkloadFile, NamesTheLineThatIsWrong) {
  for (const auto& [text, says] : std::vector<std::pair<std::string, std::string>>{
           {"gemm 1x2x3\nnonsense\n", ":2: not `OP SHAPE`"},
           {"gemm 1x2x3 extra\n", ":1: not `OP SHAPE`"},
           {"gemm 1x2x3 # x\n", ":1: not `OP SHAPE`"},
           {"softmax 4x5 # x0\n", ":1: x0 calls of softmax:4x5:f32; give x1"},
           {"\n\ngemm 1x2\n", ":3: --shape '1x2'"},
           {"gemm " + std::string(300'000, '1') + "\n", ":1: has 300005 characters; give at most"},
           {"conw 1x2x3\n", ":1: --op 'conw'"},
           {"gemm 1x2x3\ngemm 1x2x3 # x2\n", ":2: gemm:1x2x3:f32 stands twice"}}) {
    const auto listed = ReadText(text);
    ASSERT_FALSE(listed.ok()) << text.substr(0, 100);
    EXPECT_NE(std::string(listed.status().message()).find(says), std::string::npos)
        << listed.status();
  }
  EXPECT_EQ(ReadWorkloadFile("/nowhere/at/all").status().code(), absl::StatusCode::kNotFound);
}

TEST(WorkloadFile, ShippedFilesAreRead) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(HALYARD_WORKLOADS)) {
    const auto listed = ReadWorkloadFile(entry.path().string());
    ASSERT_TRUE(listed.ok()) << listed.status();
    EXPECT_FALSE(listed->empty()) << entry.path();
    files++;
  }
  EXPECT_GE(files, 8);
}

}  // namespace
}  // namespace halyard
