// oneDNN, at its best: plain layouts as the caller has them; weights packed ahead; every layout its
// own choice. Attention is two products with a softmax between.
#include <cmath>
#include <dnnl.hpp>
#include <memory>

#include "contender.h"
#include "schedules/epilogue.h"

namespace halyard {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Dims = memory::dims;

const dnnl::engine& Cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc Desc(const Dims& dims, Tag tag) { return {dims, memory::data_type::f32, tag}; }

memory Wrap(const Dims& dims, Tag tag, const Tensor& t) {
  return {Desc(dims, tag), Cpu(), const_cast<float*>(t.data())};
}

Tag DenseTag(const Dims& dims) {
  return dims.size() == 1 ? Tag::a : dims.size() == 2 ? Tag::ab : Tag::abc;
}

// A primitive with its arguments; memories live as long as it does.
struct Step {
  dnnl::primitive primitive;
  std::unordered_map<int, memory> arguments;
};

struct Program {
  dnnl::stream stream{Cpu()};
  std::vector<Step> steps;
  void Run() {
    for (Step& s : steps) s.primitive.execute(stream, s.arguments);
    stream.wait();
  }
};

// `from` in the layout `to`, reordered now.
memory Reordered(const memory& from, const memory::desc& to) {
  if (from.get_desc() == to) return from;
  memory result(to, Cpu());
  dnnl::stream stream(Cpu());
  dnnl::reorder(from, result).execute(stream, const_cast<memory&>(from), result);
  stream.wait();
  return result;
}

// Where the primitive wants another layout than the caller has, the reorder is part of the program.
memory OnTheWay(Program& program, const memory& from, const memory::desc& to) {
  if (from.get_desc() == to) return from;
  const memory result(to, Cpu());
  program.steps.push_back(
      {dnnl::reorder(from, result), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, result}}});
  return result;
}

Contender Make(const std::string& name, bool packed, std::shared_ptr<Program> program,
               std::function<Tensor()> answer) {
  return {name, packed, [program] { program->Run(); }, std::move(answer)};
}

// The workload's epilogue as oneDNN has it: a bias of the primitive, and post-ops.
struct FusedEpilogue {
  memory bias, residual;
  dnnl::primitive_attr attributes;

  // `output`: where the residual is in the same layout. `bias_dims`: the bias, dense.
  FusedEpilogue(Problem& p, const memory& output, const Dims& bias_dims) {
    const Epilogue e = EpilogueOf(p.workload);
    size_t next = 2;
    if (e.bias) bias = Wrap(bias_dims, DenseTag(bias_dims), p.inputs[next++]);
    dnnl::post_ops after;
    if (e.residual) {
      residual = memory(output.get_desc(), Cpu(), p.inputs[next].data());
      after.append_binary(dnnl::algorithm::binary_add, output.get_desc());
    }
    if (e.activation == Activation::kRelu) {
      after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    } else if (e.activation == Activation::kGelu) {
      after.append_eltwise(1, dnnl::algorithm::eltwise_gelu_erf, 0, 0);
    }
    attributes.set_post_ops(after);
  }
  memory::desc bias_desc() const { return bias ? bias.get_desc() : memory::desc(); }
  void AddTo(Step& step) const {
    if (bias) step.arguments.emplace(DNNL_ARG_BIAS, bias);
    if (residual) {
      step.arguments.emplace(DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, residual);
    }
  }
};

// gemm and batch_gemm.
void AddGemm(Problem& p, std::vector<Contender>& contenders) {
  const std::vector<int64_t>& s = p.workload.shape;
  const bool batched = s.size() == 4;
  const int64_t m = s[s.size() - 3], n = s[s.size() - 2], k = s[s.size() - 1];
  const auto matrix = [&](int64_t batch, int64_t rows, int64_t cols) {
    return batched ? Dims{batch, rows, cols} : Dims{rows, cols};
  };
  const Tag dense = batched ? Tag::abc : Tag::ab;
  const memory a = Wrap(matrix(s[0], m, k), dense, p.inputs[0]);
  const memory b = Wrap(matrix(s[0], k, n), dense, p.inputs[1]);
  const memory c = Wrap(matrix(s[0], m, n), dense, p.output);
  const FusedEpilogue epilogue(p, c, matrix(1, 1, n));
  for (const bool packed : {false, true}) {
    const memory::desc weights = packed ? Desc(matrix(s[0], k, n), Tag::any) : b.get_desc();
    const dnnl::matmul::primitive_desc pd(
        {a.get_desc(), weights, epilogue.bias_desc(), c.get_desc()}, epilogue.attributes, Cpu());
    auto program = std::make_shared<Program>();
    program->steps.push_back({dnnl::matmul(pd),
                              {{DNNL_ARG_SRC, a},
                               {DNNL_ARG_WEIGHTS, Reordered(b, pd.weights_desc())},
                               {DNNL_ARG_DST, c}}});
    epilogue.AddTo(program->steps.back());
    contenders.push_back(
        Make(packed ? "oneDNN packed" : "oneDNN", packed, program, [&p] { return p.output; }));
  }
}

struct ConvLayouts {
  const char* name;
  bool packed, blocked;
  dnnl::algorithm algorithm;
};

void AddConv(Problem& p, std::vector<Contender>& contenders) {
  const auto& s = p.workload.shape;
  const auto attribute = [&](const char* name) { return p.workload.attribute(name); };
  const int64_t groups = attribute("groups"), pad = attribute("pad");
  const int64_t stride = attribute("stride"), dilation = attribute("dilation");
  auto out = [&](int64_t in, int64_t k) {
    return (in + 2 * pad - (k - 1) * dilation - 1) / stride + 1;
  };
  const Dims src{s[0], s[3], s[1], s[2]}, dst{s[0], s[4], out(s[1], s[5]), out(s[2], s[6])};
  const Dims weights = groups == 1 ? Dims{s[4], s[3], s[5], s[6]}
                                   : Dims{groups, s[4] / groups, s[3] / groups, s[5], s[6]};
  const memory x = Wrap(src, Tag::nhwc, p.inputs[0]), y = Wrap(dst, Tag::nhwc, p.output);
  // [kh][kw][ci / g][co]; with groups, co = g x (co / g).
  const int64_t co = s[4], ci = s[3] / groups;
  const Dims strides = groups == 1 ? Dims{1, co, s[6] * ci * co, ci * co}
                                   : Dims{co / groups, 1, co, s[6] * ci * co, ci * co};
  const memory w({weights, memory::data_type::f32, strides}, Cpu(), p.inputs[1].data());
  const FusedEpilogue epilogue(p, y, Dims{s[4]});
  for (const ConvLayouts& l :
       {ConvLayouts{"oneDNN", false, false, dnnl::algorithm::convolution_direct},
        ConvLayouts{"oneDNN packed", true, false, dnnl::algorithm::convolution_direct},
        ConvLayouts{"oneDNN blocked", true, true, dnnl::algorithm::convolution_direct},
        ConvLayouts{"oneDNN winograd", true, true, dnnl::algorithm::convolution_winograd}}) {
    try {
      const dnnl::convolution_forward::desc desc(
          dnnl::prop_kind::forward_inference, l.algorithm,
          l.blocked ? Desc(src, Tag::any) : x.get_desc(), Desc(weights, Tag::any),
          epilogue.bias_desc(), l.blocked ? Desc(dst, Tag::any) : y.get_desc(), {stride, stride},
          {dilation - 1, dilation - 1}, {pad, pad}, {pad, pad});
      const dnnl::convolution_forward::primitive_desc pd(desc, epilogue.attributes, Cpu());
      auto program = std::make_shared<Program>();
      const memory to = l.blocked ? memory(pd.dst_desc(), Cpu()) : y;
      const memory from =
          l.packed ? Reordered(w, pd.weights_desc()) : OnTheWay(*program, w, pd.weights_desc());
      program->steps.push_back({dnnl::convolution_forward(pd),
                                {{DNNL_ARG_SRC, Reordered(x, pd.src_desc())},
                                 {DNNL_ARG_WEIGHTS, from},
                                 {DNNL_ARG_DST, to}}});
      epilogue.AddTo(program->steps.back());
      contenders.push_back(Make(l.name, l.packed, program, [&p, to, y] {
        const memory plain = Reordered(to, y.get_desc());
        const auto* data = static_cast<const float*>(plain.get_data_handle());
        return Tensor(data, data + p.output.size());
      }));
    } catch (const dnnl::error&) {
      continue;  // no implementation for this shape, as is usual of its Winograd
    }
  }
}

void AddSoftmax(Problem& p, std::vector<Contender>& contenders) {
  const Dims dims{p.workload.shape[0], p.workload.shape[1]};
  const memory x = Wrap(dims, Tag::ab, p.inputs[0]), y = Wrap(dims, Tag::ab, p.output);
  const dnnl::softmax_forward::primitive_desc pd(
      {dnnl::prop_kind::forward_inference, x.get_desc(), 1}, Cpu());
  auto program = std::make_shared<Program>();
  program->steps.push_back({dnnl::softmax_forward(pd), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, y}}});
  contenders.push_back(Make("oneDNN", false, program, [&p] { return p.output; }));
}

void AddAttention(Problem& p, std::vector<Contender>& contenders) {
  const auto& s = p.workload.shape;
  if (p.workload.attribute("causal") != 0) return;
  const int64_t heads = s[0], queries = s[1], keys = s[2], depth = s[3];
  const memory q = Wrap({heads, queries, depth}, Tag::abc, p.inputs[0]);
  const memory k = Wrap({heads, depth, keys}, Tag::acb, p.inputs[1]);  // transposed by its strides
  const memory v = Wrap({heads, keys, depth}, Tag::abc, p.inputs[2]);
  const memory out = Wrap({heads, queries, depth}, Tag::abc, p.output);
  const memory scores(Desc({heads, queries, keys}, Tag::abc), Cpu());
  dnnl::primitive_attr scaled;
  scaled.set_output_scales(0, {1.0f / std::sqrt(static_cast<float>(depth))});
  const dnnl::matmul::primitive_desc first({q.get_desc(), k.get_desc(), scores.get_desc()}, scaled,
                                           Cpu());
  const dnnl::softmax_forward::primitive_desc softmax(
      {dnnl::prop_kind::forward_inference, scores.get_desc(), 2}, Cpu());
  const dnnl::matmul::primitive_desc second({scores.get_desc(), v.get_desc(), out.get_desc()},
                                            Cpu());
  auto program = std::make_shared<Program>();
  program->steps = {
      {dnnl::matmul(first), {{DNNL_ARG_SRC, q}, {DNNL_ARG_WEIGHTS, k}, {DNNL_ARG_DST, scores}}},
      {dnnl::softmax_forward(softmax), {{DNNL_ARG_SRC, scores}, {DNNL_ARG_DST, scores}}},
      {dnnl::matmul(second), {{DNNL_ARG_SRC, scores}, {DNNL_ARG_WEIGHTS, v}, {DNNL_ARG_DST, out}}}};
  contenders.push_back(Make("oneDNN unfused", false, program, [&p] { return p.output; }));
}

}  // namespace

void AddOneDnn(Problem& problem, std::vector<Contender>& contenders) {
  const std::string& op = problem.workload.op;
  if (op == "gemm" || op == "batch_gemm") AddGemm(problem, contenders);
  if (op == "conv2d") AddConv(problem, contenders);
  if (op == "softmax") AddSoftmax(problem, contenders);
  if (op == "attention") AddAttention(problem, contenders);
}

}  // namespace halyard
