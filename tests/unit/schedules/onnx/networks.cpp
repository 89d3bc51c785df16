#include "tests/unit/schedules/onnx/networks.h"

namespace halyard {
namespace {

struct ConvLayer {
  int64_t in, out, kernel, stride = 1, groups = 1;
};

Attributes ConvAttributes(const ConvLayer& c) {
  const int64_t pad = c.kernel / 2;
  return {Attr("kernel_shape", Dims{c.kernel, c.kernel}), Attr("strides", Dims{c.stride, c.stride}),
          Attr("pads", Dims{pad, pad, pad, pad}), Attr("dilations", Dims{1, 1}),
          Attr("group", c.groups)};
}

// A row of the paper's table, `repeats` times.
struct Stage {
  int64_t expand, channels, repeats, stride;
};

}  // namespace

ModelWriter MobileNetV2() {
  ModelWriter w;
  const std::string low = w.Scalar(0), high = w.Scalar(6);
  auto conv = [&](const std::string& x, const ConvLayer& c) {
    return w.Node("Conv",
                  {x, w.Weight({c.out, c.in / c.groups, c.kernel, c.kernel}), w.Weight({c.out})},
                  ConvAttributes(c));
  };
  auto clipped = [&](const std::string& x, const ConvLayer& c) {
    return w.Node("Clip", {conv(x, c), low, high});
  };
  std::string x = clipped(w.Input("image", {1, 3, 224, 224}), {3, 32, 3, 2});
  int64_t in = 32;
  for (const Stage& s : std::vector<Stage>{{1, 16, 1, 1},
                                           {6, 24, 2, 2},
                                           {6, 32, 3, 2},
                                           {6, 64, 4, 2},
                                           {6, 96, 3, 1},
                                           {6, 160, 3, 2},
                                           {6, 320, 1, 1}}) {
    for (int64_t i = 0; i < s.repeats; i++) {
      const int64_t stride = i == 0 ? s.stride : 1, hidden = s.expand * in;
      const std::string before = x;
      if (s.expand != 1) x = clipped(x, {in, hidden, 1});
      x = clipped(x, {hidden, hidden, 3, stride, hidden});
      x = conv(x, {hidden, s.channels, 1});
      if (stride == 1 && in == s.channels) x = w.Node("Add", {before, x});
      in = s.channels;
    }
  }
  x = w.Node("GlobalAveragePool", {clipped(x, {320, 1280, 1})});
  x = w.Node("Flatten", {x});
  x = w.Node("Gemm", {x, w.Weight({1000, 1280}), w.Weight({1000})}, {Attr("transB", int64_t{1})});
  w.Output(w.Node("Softmax", {x}));
  return w;
}

ModelWriter ResNet50() {
  ModelWriter w;
  auto conv = [&](const std::string& x, const ConvLayer& c) {
    const std::string y =
        w.Node("Conv", {x, w.Weight({c.out, c.in, c.kernel, c.kernel})}, ConvAttributes(c));
    return w.Node("BatchNormalization",
                  {y, w.Weight({c.out}), w.Weight({c.out}), w.Weight({c.out}), w.Weight({c.out})});
  };
  auto relu = [&](const std::string& x) { return w.Node("Relu", {x}); };
  std::string x = relu(conv(w.Input("image", {1, 3, 224, 224}), {3, 64, 7, 2}));
  x = w.Node("MaxPool", {x},
             {Attr("kernel_shape", Dims{3, 3}), Attr("strides", Dims{2, 2}),
              Attr("pads", Dims{1, 1, 1, 1})});
  int64_t in = 64;
  for (const Stage& s :
       std::vector<Stage>{{4, 64, 3, 1}, {4, 128, 4, 2}, {4, 256, 6, 2}, {4, 512, 3, 2}}) {
    for (int64_t i = 0; i < s.repeats; i++) {
      const int64_t stride = i == 0 ? s.stride : 1, out = s.expand * s.channels;
      std::string y = relu(conv(x, {in, s.channels, 1}));
      y = relu(conv(y, {s.channels, s.channels, 3, stride}));
      y = conv(y, {s.channels, out, 1});
      if (i == 0) x = conv(x, {in, out, 1, stride});
      x = relu(w.Node("Add", {y, x}));
      in = out;
    }
  }
  x = w.Node("Flatten", {w.Node("GlobalAveragePool", {x})});
  x = w.Node("Gemm", {x, w.Weight({1000, 2048}), w.Weight({1000})}, {Attr("transB", int64_t{1})});
  w.Output(w.Node("Softmax", {x}));
  return w;
}

namespace {

class BertWriter {
 public:
  ModelWriter Write(bool mask) && {
    const std::string ids = OpenInput("input_ids");
    const std::string types = OpenInput("token_type_ids");
    if (mask) mask_ = Hidden(OpenInput("attention_mask"));
    std::string x = w_.Node("Add", {w_.Node("Gather", {w_.Weight({30522, 768}), ids}),
                                    w_.Node("Gather", {w_.Weight({2, 768}), types})});
    const std::string positions = w_.Node("Slice", {w_.Weight({1, 512, 768}), w_.Integers({0}),
                                                    DimensionOf(ids, 1), w_.Integers({1})});
    x = Normalise(w_.Node("Add", {x, positions}));
    for (int layer = 0; layer < 12; layer++) x = Layer(x);
    const std::string first = w_.Node("Gather", {x, w_.Integer(0)}, {Attr("axis", int64_t{1})});
    const std::string pooled = w_.Node("Gemm", {first, w_.Weight({768, 768}), w_.Weight({768})},
                                       {Attr("transB", int64_t{1})});
    w_.Output(x);
    w_.Output(w_.Node("Tanh", {pooled}));
    return std::move(w_);
  }

 private:
  std::string OpenInput(const std::string& name) {
    w_.Input(name, {0, 0}, onnx::TensorProto::INT64);
    auto& shape = *w_.model.mutable_graph()
                       ->mutable_input()
                       ->rbegin()
                       ->mutable_type()
                       ->mutable_tensor_type()
                       ->mutable_shape();
    shape.mutable_dim(0)->set_dim_param("batch");
    shape.mutable_dim(1)->set_dim_param("sequence");
    return name;
  }

  // 0 where the mask is 1, -10000 where it is 0, [batch, 1, 1, sequence].
  std::string Hidden(const std::string& mask) {
    const std::string wide = w_.Node("Unsqueeze", {mask, w_.Integers({1, 2})});
    const std::string number =
        w_.Node("Cast", {wide}, {Attr("to", int64_t{onnx::TensorProto::FLOAT})});
    return w_.Node("Mul", {w_.Node("Sub", {w_.Scalar(1), number}), w_.Scalar(-10000)});
  }

  // LayerNormalization before opset 17: nine nodes.
  std::string Normalise(const std::string& x) {
    const Attributes last = {Attr("axes", Dims{-1})};
    const std::string centred = w_.Node("Sub", {x, w_.Node("ReduceMean", {x}, last)});
    const std::string squared = w_.Node("Pow", {centred, w_.Scalar(2)});
    const std::string deviation = w_.Node(
        "Sqrt", {w_.Node("Add", {w_.Node("ReduceMean", {squared}, last), w_.Scalar(1e-12f)})});
    const std::string normal = w_.Node("Div", {centred, deviation});
    return w_.Node("Add", {w_.Node("Mul", {normal, w_.Weight({768})}), w_.Weight({768})});
  }

  // Dimension `i` of x, as it is computed where it is open: [1].
  std::string DimensionOf(const std::string& x, int64_t i) {
    const std::string size = w_.Node("Gather", {w_.Node("Shape", {x}), w_.Integer(i)});
    return w_.Node("Unsqueeze", {size, w_.Integers({0})});
  }

  std::string Heads(const std::string& x, const Dims& order) {
    const std::string shape = w_.Node(
        "Concat", {DimensionOf(x, 0), DimensionOf(x, 1), w_.Integers({12}), w_.Integers({64})},
        {Attr("axis", int64_t{0})});
    return w_.Node("Transpose", {w_.Node("Reshape", {x, shape})}, {Attr("perm", order)});
  }

  std::string Layer(const std::string& x) {
    const std::string q = Heads(w_.Dense(x, 768, 768), {0, 2, 1, 3});
    const std::string k = Heads(w_.Dense(x, 768, 768), {0, 2, 3, 1});
    const std::string v = Heads(w_.Dense(x, 768, 768), {0, 2, 1, 3});
    std::string scores = w_.Node("Div", {w_.Node("MatMul", {q, k}), w_.Scalar(8)});
    if (!mask_.empty()) scores = w_.Node("Add", {scores, mask_});
    const std::string weights = w_.Node("Softmax", {scores}, {Attr("axis", int64_t{-1})});
    const std::string mixed =
        w_.Node("Transpose", {w_.Node("MatMul", {weights, v})}, {Attr("perm", Dims{0, 2, 1, 3})});
    const std::string shape =
        w_.Node("Concat", {DimensionOf(mixed, 0), DimensionOf(mixed, 1), w_.Integers({768})},
                {Attr("axis", int64_t{0})});
    const std::string out = w_.Dense(w_.Node("Reshape", {mixed, shape}), 768, 768);
    const std::string y = Normalise(w_.Node("Add", {out, x}));
    const std::string wide = w_.Gelu(w_.Dense(y, 768, 3072));
    return Normalise(w_.Node("Add", {w_.Dense(wide, 3072, 768), y}));
  }

  ModelWriter w_;
  std::string mask_;
};

}  // namespace

ModelWriter BertBase(bool mask) { return BertWriter().Write(mask); }

}  // namespace halyard
