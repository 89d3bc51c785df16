// A network from its ONNX file to its library, and what is listed of it before and after.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "targets/child_process.h"
#include "tests/unit/schedules/onnx/networks.h"

namespace halyard {
namespace {

using nlohmann::json;

class TuneNetwork : public testing::Test {
 protected:
  ChildResult Tune(const std::vector<std::string>& args) const {
    std::vector<std::string> argv = {std::getenv("HALYARD_TUNE_PROGRAM")};
    argv.insert(argv.end(), args.begin(), args.end());
    ChildLimits limits;
    limits.deadline = std::chrono::minutes(6);
    return RunChild(argv, "", limits);
  }

  ModelFolder folder;
};

void ExpectWithinEightyColumns(const std::string& text, const std::string& path) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), line.find(path) == std::string::npos ? 80u : 200u) << line;
  }
}

TEST_F(TuneNetwork, ListsItsTasksAndWhatIsLeft) {
  const std::string path = folder.Write(BertBase(/*mask=*/true).model);
  const std::vector<std::string> list = {"--model", path,    "--list",      "--batch",
                                         "1",       "--dim", "sequence=128"};
  const ChildResult text = Tune(list);
  ASSERT_EQ(text.exit_code, 0) << text.err;
  ExpectWithinEightyColumns(text.out, path);
  for (const char* part : {"opset 13", "batch_gemm 12x128x128x64", "softmax 1536x128", "% work",
                           "48  Transpose: moves data", "12  Add: a mask that attention has not"}) {
    EXPECT_NE(text.out.find(part), std::string::npos) << part << "\n" << text.out;
  }
  EXPECT_EQ(text.out.find("best ms"), std::string::npos) << "of no device";

  std::vector<std::string> as_json = list;
  as_json.push_back("--json");
  const ChildResult object = Tune(as_json);
  ASSERT_EQ(object.exit_code, 0) << object.err;
  const json network = json::parse(object.out);
  double share = 0, flops = 0;
  for (const json& task : network["tasks"]) {
    share += task["share_of_flops"].get<double>();
    flops += task["calls"].get<double>() * task["flops"].get<double>();
  }
  EXPECT_NEAR(share, 1, 1e-9);
  EXPECT_EQ(flops, network["flops"]);
  // Twelve layers of four projections, two wide products and two of attention, and the pooler.
  const double products =
      2.0 *
      (12 * (4 * 128 * 768 * 768.0 + 2 * 128 * 768 * 3072.0 + 2 * 128 * 128 * 768.0) + 768 * 768.0);
  EXPECT_NEAR(network["flops"].get<double>() / products, 1, 0.01);
  int left = 0;
  for (const json& group : network["not_covered"]) left += group["nodes"].get<int>();
  EXPECT_EQ(left + network["covered_nodes"].get<int>() + network["free_nodes"].get<int>(),
            network["nodes"]);
}

TEST_F(TuneNetwork, FromFileToLibraryAndTimes) {
  ModelWriter w;
  std::string x = w.Input("x", {16, 24});
  for (int i = 0; i < 3; i++) {
    x = w.Node("Relu", {w.Dense(x, 24, 24)});
  }
  w.Output(w.Node("Tanh", {w.Node("Softmax", {x})}));
  const std::string path = folder.Write(w.model), log = folder.path("log.db");
  const ChildResult r = Tune({"--model", path, "--device", "rpi4", "--trials", "34", "--log", log,
                              "--out", folder.path("out"), "--json"});
  ASSERT_EQ(r.exit_code, 0) << r.err;
  const json suite = json::parse(r.out);
  ASSERT_EQ(suite["tasks"].size(), 2u);
  EXPECT_EQ(suite["tasks"][0]["workload"], "gemm:16x24x24,packed=1,bias=1,act=relu:f32");
  EXPECT_EQ(suite["tasks"][0]["calls"], 3);
  EXPECT_EQ(suite["tasks"][1]["workload"], "softmax:16x24:f32");
  EXPECT_EQ(suite["not_covered"][0]["op"], "Tanh");
  EXPECT_TRUE(std::filesystem::exists(suite["library"].get<std::string>()));
  std::ifstream header(suite["header"].get<std::string>());
  const std::string declared((std::istreambuf_iterator<char>(header)), {});
  EXPECT_NE(declared.find("_fused_packed"), std::string::npos);

  const ChildResult listed =
      Tune({"suite", path, "--list", "--device", "rpi4", "--log", log, "--json"});
  ASSERT_EQ(listed.exit_code, 0) << listed.err;
  double share = 0;
  const json network = json::parse(listed.out);
  for (size_t i = 0; i < 2; i++) {
    share += network["tasks"][i]["share_of_time"].get<double>();
    EXPECT_NEAR(network["tasks"][i]["share_of_time"].get<double>(),
                suite["tasks"][i]["share"].get<double>(), 1e-9);
  }
  EXPECT_NEAR(share, 1, 1e-9);
  const ChildResult text = Tune({"suite", path, "--list", "--device", "rpi4", "--log", log});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  ExpectWithinEightyColumns(text.out, path);
  EXPECT_NE(text.out.find("% time"), std::string::npos) << text.out;
}

}  // namespace
}  // namespace halyard
