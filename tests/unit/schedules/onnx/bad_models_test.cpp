// What a person is told of a file that is no network, or not one that can be read: one line that
// names the file, what is wrong and what would be right.

#include <gtest/gtest.h>

#include <fstream>

#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {
namespace {

class BadModel : public testing::Test {
 protected:
  // A line that begins with the file's name and has all of `parts`.
  void ExpectRefused(const absl::StatusOr<Network>& network,
                     const std::vector<std::string>& parts) const {
    ASSERT_FALSE(network.ok());
    const std::string line(network.status().message());
    EXPECT_TRUE(absl::IsInvalidArgument(network.status())) << network.status();
    EXPECT_NE(line.find("net.onnx'"), std::string::npos) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos) << line;
    for (const std::string& part : parts) EXPECT_NE(line.find(part), std::string::npos) << line;
  }
  void ExpectRefused(const std::vector<std::string>& parts,
                     const OpenDimensions& given = {}) const {
    ExpectRefused(ReadNetwork(folder.Write(w.model), given), parts);
  }
  absl::StatusOr<Network> ReadBytes(const std::string& bytes) const {
    std::ofstream(folder.path("net.onnx"), std::ios::binary) << bytes;
    return ReadNetwork(folder.path("net.onnx"), {});
  }
  // x [batch, 3] x weights.
  void WriteOpen(const std::string& param) {
    w.Input("x", {0, 3});
    auto& shape = *w.model.mutable_graph()
                       ->mutable_input(0)
                       ->mutable_type()
                       ->mutable_tensor_type()
                       ->mutable_shape();
    if (!param.empty()) shape.mutable_dim(0)->set_dim_param(param);
    w.Output(w.Node("MatMul", {"x", w.Weight({3, 5})}));
  }

  ModelFolder folder;
  ModelWriter w;
};

TEST_F(BadModel, ThatIsNotThere) {
  const auto network = ReadNetwork(folder.path("net.onnx"), {});
  EXPECT_TRUE(absl::IsNotFound(network.status())) << network.status();
}

TEST_F(BadModel, ThatIsAFolderOrEmptyOrOfAnotherFormat) {
  ExpectRefused(ReadBytes(""), {"is empty"});
  ExpectRefused(ReadBytes("gemm 8x8x8\n"), {"is not a whole ONNX model"});
  std::filesystem::remove(folder.path("net.onnx"));
  std::filesystem::create_directory(folder.path("net.onnx"));
  ExpectRefused(ReadNetwork(folder.path("net.onnx"), {}), {"is no file"});
}

// Weights inside, so that most cuts are in the middle of one.
TEST_F(BadModel, CutShortAnywhere) {
  std::string x = w.Input("x", {4, 32});
  for (int i = 0; i < 5; i++) {
    const std::vector<float> values(32 * 32, 0.5f);
    x = w.Node("Relu", {w.Node("MatMul", {x, w.Tensor({32, 32}, values)})});
  }
  w.Output(x);
  const std::string whole = w.model.SerializeAsString();
  ASSERT_TRUE(ReadBytes(whole).ok());
  ASSERT_GT(whole.size(), 20u << 10);
  for (size_t bytes = 1 << 10; bytes < whole.size(); bytes += 1 << 10) {
    ExpectRefused(ReadBytes(whole.substr(0, bytes)), {"cut short", "again"});
  }
  // Where messages end and protobuf sees nothing wrong, too.
  for (size_t bytes = 1; bytes < 40; bytes++) {
    ExpectRefused(ReadBytes(whole.substr(0, bytes)), {"cut short"});
    ExpectRefused(ReadBytes(whole.substr(0, whole.size() - bytes)), {"again"});
  }
}

TEST_F(BadModel, OfAnOpsetNotKnown) {
  for (const int64_t opset : {6, 18, 99}) {
    w = ModelWriter(opset);
    WriteOpen("batch");
    ExpectRefused({"has opset " + std::to_string(opset), "knows 7 to 17", "opset_version=17"});
  }
  w = ModelWriter();
  WriteOpen("batch");
  w.model.set_ir_version(99);
  ExpectRefused({"IR version 99", "knows up to 8"});
}

TEST_F(BadModel, WithAnOpenDimension) {
  WriteOpen("batch");
  ExpectRefused({"dimension 0 of input 'x'", "'batch'", "--batch N or --dim batch=N"});
  EXPECT_EQ(TasksOf(w, {7, {}}).count("gemm:7x5x3,packed=1:f32"), 1u);
  EXPECT_EQ(TasksOf(w, {std::nullopt, {{"batch", 7}}}).count("gemm:7x5x3,packed=1:f32"), 1u);
  ExpectRefused({"--dim bacth=7", "no open dimension of that name", "it has batch"},
                {7, {{"bacth", 7}}});
}

TEST_F(BadModel, WithAnOpenDimensionOfNoName) {
  WriteOpen("");
  ExpectRefused({"dimension 0 of input 'x' is open;", "--batch N or --dim x:0=N"});
  EXPECT_EQ(TasksOf(w, {std::nullopt, {{"x:0", 7}}}).count("gemm:7x5x3,packed=1:f32"), 1u);
}

TEST_F(BadModel, OfABatchThatIsFixed) {
  w.Output(w.Node("MatMul", {w.Input("x", {4, 3}), w.Weight({3, 5})}));
  ExpectRefused({"--batch 7", "leaves dimension 0 of no input open", "leave --batch out"}, {7, {}});
}

TEST_F(BadModel, WithAnInputOfNoShape) {
  w.Input("x", {});
  w.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  w.Output(w.Node("MatMul", {"x", w.Weight({3, 5})}));
  ExpectRefused({"input 'x' has no shape"});
}

TEST_F(BadModel, WithACycle) {
  const std::string x = w.Input("x", {4, 4});
  const std::string first = w.Node("Add", {x, "later"});
  w.Node("Relu", {first});
  w.model.mutable_graph()->mutable_node(1)->set_output(0, "later");
  w.Output(first);
  ExpectRefused({"has a cycle", "Add 'Add_", "Relu 'Relu_", "need each other's outputs"});
}

TEST_F(BadModel, WithALongCycleNamesAFewOfItsNodes) {
  std::string x = w.Node("Add", {w.Input("x", {4, 4}), "last"});
  for (int i = 0; i < 50; i++) x = w.Node("Relu", {x});
  w.model.mutable_graph()->mutable_node(50)->set_output(0, "last");
  w.Output("last");
  ExpectRefused({"has a cycle", "and 47 more"});
}

TEST_F(BadModel, WithAShapeThatDependsOnMissingData) {
  const std::string x = w.Input("x", {4, 6});
  const std::string shape = w.Integers({2});
  onnx::TensorProto& target = *w.model.mutable_graph()->mutable_initializer(0);
  target.clear_int64_data();
  target.set_data_location(onnx::TensorProto::EXTERNAL);
  onnx::StringStringEntryProto& location = *target.add_external_data();
  location.set_key("location");
  location.set_value("shape.bin");
  target.set_dims(0, 2);
  w.Output(w.Node("MatMul", {w.Node("Reshape", {x, shape}), w.Weight({12, 5})}));
  ExpectRefused({"the shape of 'Reshape_", "'" + shape + "', whose external data file is not there",
                 "put it beside the model"});
  const std::vector<int64_t> values = {2, 12};
  std::ofstream(folder.path("shape.bin"), std::ios::binary)
      .write(reinterpret_cast<const char*>(values.data()), sizeof(int64_t) * 2);
  const auto network = ReadNetwork(folder.Write(w.model), {});
  ASSERT_TRUE(network.ok()) << network.status();
  EXPECT_EQ(TasksOf(*network).count("gemm:2x5x12,packed=1:f32"), 1u);
  // Nothing beyond the model's folder is opened.
  w.model.mutable_graph()->mutable_initializer(0)->mutable_external_data(0)->set_value(
      "../" + std::filesystem::path(folder.path("shape.bin")).parent_path().filename().string() +
      "/shape.bin");
  ExpectRefused({"external data file is not there"});
}

TEST_F(BadModel, OfShapesThatDoNotFit) {
  w.Output(w.Node("MatMul", {w.Input("x", {4, 6}), w.Weight({7, 5})}));
  ExpectRefused({"is no valid ONNX model", "Incompatible dimensions"});
}

TEST_F(BadModel, OfAnOperatorThatOnnxHasNot) {
  w.Output(w.Node("MatMulish", {w.Input("x", {4, 6})}));
  ExpectRefused({"is no valid ONNX model", "MatMulish"});
}

TEST_F(BadModel, OfAnInputThatNobodyMakes) {
  w.Output(w.Node("Relu", {"nothing"}));
  ExpectRefused({"is no valid ONNX model", "nothing"});
}

TEST_F(BadModel, OfAStrideOfZero) {
  w.Output(w.Node("Conv", {w.Input("x", {1, 3, 8, 8}), w.Weight({4, 3, 3, 3})},
                  {Attr("strides", Dims{0, 1})}));
  ExpectRefused({"Conv 'Conv_", "has 0 in strides"});
}

TEST_F(BadModel, OfAnInitialiserOfTheWrongSize) {
  w.Output(w.Node("MatMul", {w.Input("x", {4, 6}), w.Tensor({6, 5}, {1, 2, 3})}));
  ExpectRefused({"initialiser 'constant_", "has 12 bytes where its dimensions say 120"});
  w.model.mutable_graph()->mutable_initializer(0)->set_dims(0, -6);
  ExpectRefused({"initialiser 'constant_", "dimensions that are no sizes"});
}

onnx::GraphProto Nested(int depth) {
  ModelWriter inner;
  if (depth == 0) {
    inner.Output(inner.Node("Identity", {"x"}));
  } else {
    inner.Output(inner.Node(
        "If", {"flag"}, {Attr("then_branch", Nested(depth - 1)), Attr("else_branch", Nested(0))}));
  }
  return inner.model.graph();
}

TEST_F(BadModel, OfGraphsTooDeepInsideOneAnother) {
  for (const int depth : {17, 200}) {
    w = ModelWriter();
    w.Input("x", {4});
    w.Input("flag", {}, onnx::TensorProto::BOOL);
    w.Output(w.Node("If", {"flag"},
                    {Attr("then_branch", Nested(depth)), Attr("else_branch", Nested(0))}));
    ExpectRefused(
        {depth == 17 ? "graphs 18 deep inside one another" : "is not a whole ONNX model"});
  }
}

TEST_F(BadModel, SubgraphsAndOtherDomainsAreListedNotRefused) {
  w.Input("x", {4});
  w.Input("flag", {}, onnx::TensorProto::BOOL);
  w.model.add_opset_import()->set_domain("com.example");
  w.model.mutable_opset_import(1)->set_version(1);
  w.Output(
      w.Node("If", {"flag"}, {Attr("then_branch", Nested(0)), Attr("else_branch", Nested(0))}));
  w.Output(w.Node("MatMul", {w.Node("Fold", {"x"}, {}, "com.example"), w.Weight({3, 5})}));
  EXPECT_EQ(ReasonFor(w, "If"), "its subgraphs are not looked into");
  EXPECT_EQ(ReasonFor(w, "Fold"), "an operator of com.example, not of ONNX");
  EXPECT_EQ(ReasonFor(w, "MatMul"), "its shape depends on data, or on a node not known here");
}

}  // namespace
}  // namespace halyard
