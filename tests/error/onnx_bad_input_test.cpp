// Networks that cannot be tuned, and options that do not fit: one line each, nothing written.

#include <fstream>

#include "tests/error/bad_input.h"
#include "tests/unit/schedules/onnx/model_writer.h"

namespace halyard {
namespace {

void Write(const ModelWriter& w) {
  std::ofstream file("net.onnx", std::ios::binary);
  ASSERT_TRUE(w.model.SerializeToOstream(&file));
}

// x [4, 6] x weights [6, 5].
ModelWriter Product(int64_t opset = 13) {
  ModelWriter w(opset);
  w.Output(w.Node("MatMul", {w.Input("x", {4, 6}), w.Weight({6, 5})}));
  return w;
}

std::vector<std::string> Tune(const std::vector<std::string>& more = {}) {
  std::vector<std::string> args = {"--model", "net.onnx", "--device", "rpi4"};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

TEST_F(BadInput, NetworkFiles) {
  ExpectRefused(Tune(), "'net.onnx' is not there; give an ONNX file");
  ExpectRefused({"suite", "net.onnx", "--device", "rpi4"}, "'net.onnx' is not there");
  ExpectRefused({"--model=net.onnx", "--list"}, "'net.onnx' is not there");
  std::ofstream("net.onnx") << "gemm 8x8x8\n";
  ExpectRefused(Tune(), "'net.onnx' is not a whole ONNX model");
  const std::string whole = Product().model.SerializeAsString();
  std::ofstream("net.onnx", std::ios::binary) << whole.substr(0, whole.size() / 2);
  ExpectRefused(Tune(), "'net.onnx' is not a whole ONNX model: cut short");
  Write(Product(99));
  ExpectRefused(Tune(), "'net.onnx' has opset 99; this program knows 7 to ");

  ModelWriter cycle;
  cycle.Input("x", {4, 4});
  const std::string sum = cycle.Node("Add", {"x", "later"});
  cycle.Node("Relu", {sum});
  cycle.model.mutable_graph()->mutable_node(1)->set_output(0, "later");
  cycle.Output(sum);
  Write(cycle);
  ExpectRefused(Tune(), "'net.onnx' has a cycle: Add ");

  ModelWriter none;
  none.Output(none.Node("Sigmoid", {none.Input("x", {4, 4})}));
  Write(none);
  ExpectRefused(Tune(),
                "'net.onnx' has no node that an operator here computes; most of it is "
                "Sigmoid: no such activation");
}

TEST_F(BadInput, NetworkOptions) {
  Write(Product());
  ExpectRefused(Tune({"--batch", "many"}), "--batch");
  ExpectRefused(Tune({"--batch", "0"}), "--batch is 0; give a whole number from 1");
  ExpectRefused(Tune({"--batch", "2"}), "leaves dimension 0 of no input open; leave --batch out");
  for (const char* dim : {"sequence", "=3", "sequence=", "sequence=0", "sequence=3x", "s=-1"}) {
    ExpectRefused(Tune({"--dim", dim}), std::string("--dim '") + dim + "' is not NAME=N");
  }
  ExpectRefused(Tune({"--dim", "s=1", "--dim", "s=2"}), "--dim 's' stands twice");
  ExpectRefused(Tune({"--dim", "s=1"}), "no open dimension of that name; leave --dim out");
  ExpectRefused({"--model", "net.onnx"}, "--device is missing");
  ExpectRefused({"--op", "gemm", "--shape", "8x8x8", "--device", "rpi4", "--model", "net.onnx"},
                "--model 'net.onnx' is a network, and is tuned whole");
  std::ofstream("list.txt") << "gemm 8x8x8\n";
  ExpectRefused({"suite", "list.txt", "--device", "rpi4", "--batch", "2"},
                "--batch is of networks (.onnx)");
  ExpectRefused({"suite", "list.txt", "--list", "--device", "rpi4", "--log", "none.db"}, "none.db");

  ModelWriter open = Product();
  auto& x = *open.model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type();
  x.mutable_shape()->mutable_dim(0)->set_dim_param("batch");
  Write(open);
  ExpectRefused(Tune(),
                "dimension 0 of input 'x' is open ('batch'); give --batch N or --dim batch=N");
}

}  // namespace
}  // namespace halyard
