// Scaled dot-product attention: softmax(Q K^T / sqrt(D)) V per head, Q [H, Sq, D], K and V
// [H, Skv, D], output [H, Sq, D], optionally causal (query i sees keys up to i + Skv - Sq).

#include <cmath>

#include "schedules/attention_schedule.h"
#include "schedules/exp2.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"
#include "schedules/operator.h"
#include "schedules/ops/operators.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::Var;

class Attention final : public Operator {
 public:
  std::string name() const override { return "attention"; }
  std::string shape_help() const override { return "HxSxD or HxSqxSkvxD[,causal=1]"; }
  std::vector<AttributeSpec> attributes() const override { return {{"causal", 0, 0, 1}}; }
  std::vector<std::string> input_names() const override { return {"q", "k", "v"}; }
  std::vector<std::string> dim_names() const override {
    return {"heads", "queries", "keys", "depth"};
  }
  std::string algorithm_knob() const override { return "form"; }

  absl::Status CheckShape(Workload& w) const override {
    if (auto s = ExpectRank(w, {3, 4}, "HxSxD or HxSqxSkvxD, such as 16x4096x40"); !s.ok())
      return s;
    if (w.shape.size() == 3) w.shape.insert(w.shape.begin() + 2, w.shape[1]);
    const AttentionSizes a = Sizes(w);
    if (a.causal && a.queries > a.keys) {
      return absl::InvalidArgumentError(
          "is causal with more queries than keys, so the first queries see no key; give at least "
          "as "
          "many keys as queries");
    }
    return absl::OkStatus();
  }
  std::string ShapeText(const Workload& w) const override {
    Workload text = w;
    if (w.shape[1] == w.shape[2]) text.shape.erase(text.shape.begin() + 2);
    return Operator::ShapeText(text);
  }
  std::vector<BufferSpec> InputShapes(const Workload& w) const override {
    const AttentionSizes a = Sizes(w);
    const BufferSpec keys{{a.heads, a.keys, a.depth}};
    return {{{a.heads, a.queries, a.depth}}, keys, keys};
  }
  BufferSpec OutputShape(const Workload& w) const override {
    const AttentionSizes a = Sizes(w);
    return {{a.heads, a.queries, a.depth}};
  }

  SpaceDefinition Space(const Workload& w, const Device& device) const override {
    return AttentionSpace(Sizes(w), device);
  }

  Lowered Lower(const Workload& w, const Device&, const ConfigView& view) const override {
    Inputs in;
    const auto shapes = InputShapes(w);
    BindDense(in.q, shapes[0]);
    BindDense(in.k, shapes[1]);
    BindDense(in.v, shapes[2]);
    Func out = ScheduleAttention(in.q, in.k, in.v, Sizes(w), view);
    BindDense(out, OutputShape(w));
    return {out, {in.q, in.k, in.v}, shapes, OutputShape(w)};
  }

  // One query row at a time, vectors along keys and depth.
  Lowered LowerGeneric(const Device& device) const override {
    Inputs in;
    Halide::Param<int> causal("causal");
    Plain p(in, in.q.dim(0).extent(), in.q.dim(1).extent(), in.k.dim(1).extent(), causal);
    const int lanes = device.lanes_f32();
    Var task("task");
    p.out.fuse(p.s, p.h, task).parallel(task, 4, Halide::TailStrategy::GuardWithIf);
    p.out.vectorize(p.d, lanes, Halide::TailStrategy::GuardWithIf);
    for (Func f : {p.score, p.weight, p.largest, p.total, p.mixed}) f.compute_at(p.out, task);
    p.weight.vectorize(p.key, lanes, Halide::TailStrategy::GuardWithIf);
    p.mixed.vectorize(p.d, lanes, Halide::TailStrategy::GuardWithIf);
    p.mixed.update()
        .reorder(p.d, p.keys.x)
        .vectorize(p.d, lanes, Halide::TailStrategy::GuardWithIf);
    return {p.out, {in.q, in.k, in.v, causal}, {}, {}};
  }

  Lowered LowerUnscheduled(const Workload& w) const override {
    const AttentionSizes a = Sizes(w);
    Inputs in;
    const auto shapes = InputShapes(w);
    BindEstimates(in.q, shapes[0]);
    BindEstimates(in.k, shapes[1]);
    BindEstimates(in.v, shapes[2]);
    Plain p(in, Extent(a.depth), Extent(a.queries), Extent(a.keys), a.causal ? 1 : 0);
    SetEstimates(p.out, OutputShape(w));
    return {p.out, {in.q, in.k, in.v}, shapes, OutputShape(w)};
  }

  // The two products; exponentials and maxima are not counted.
  double Flops(const Workload& w) const override {
    const AttentionSizes a = Sizes(w);
    const double rows = static_cast<double>(a.heads) * static_cast<double>(a.queries);
    const double seen = a.causal ? static_cast<double>(a.keys) - (a.queries - 1) / 2.0
                                 : static_cast<double>(a.keys);
    return 4.0 * rows * seen * static_cast<double>(a.depth);
  }

  double Reference(const Workload& w, const InputReader& in, int64_t index) const override {
    const AttentionSizes a = Sizes(w);
    const int64_t d = index % a.depth, row = index / a.depth;
    const int64_t q = row % a.queries, h = row / a.queries;
    const int64_t seen = a.causal ? q + a.keys - a.queries + 1 : a.keys;
    const double scale = 1.0 / std::sqrt(static_cast<double>(a.depth));
    std::vector<double> score(seen);
    double largest = -INFINITY;
    for (int64_t k = 0; k < seen; k++) {
      double sum = 0;
      for (int64_t i = 0; i < a.depth; i++) {
        sum += in(0, row * a.depth + i) * in(1, (h * a.keys + k) * a.depth + i);
      }
      score[k] = sum * scale;
      largest = std::max(largest, score[k]);
    }
    double total = 0, mixed = 0;
    for (int64_t k = 0; k < seen; k++) {
      const double e = std::exp(score[k] - largest);
      total += e;
      mixed += e * in(2, (h * a.keys + k) * a.depth + d);
    }
    return mixed / total;
  }
  // Weights sum to 1, so the values' rounding does not grow with the keys; the scores' does with D.
  double Tolerance(const Workload& w) const override {
    return 4e-6 + ReductionTolerance(Sizes(w).depth);
  }

  // One head, some query rows; keys are packed once a head.
  ProbePlan Probe(const Workload& w, const Device&, const ConfigView& config) const override {
    Workload head = w;
    head.shape[0] = 1;
    ProbePlan plan =
        RowProbe(head, /*dim=*/1, Flops(head), /*granule=*/config["m"] * config["grain"]);
    plan.repeat = static_cast<double>(w.shape[0]);
    return plan;
  }

 private:
  static AttentionSizes Sizes(const Workload& w) {
    return {w.shape[0], w.shape[1], w.shape[2], w.shape[3], w.attribute("causal") != 0};
  }

  struct Inputs {
    ImageParam q{Halide::Float(32), 3, "q"}, k{Halide::Float(32), 3, "k"},
        v{Halide::Float(32), 3, "v"};
  };

  // The textbook definition with sizes as expressions.
  struct Plain {
    Var d{"d"}, s{"s"}, h{"h"}, key{"key"};
    Halide::RDom depth, keys;
    Func score{"score"}, largest{"largest"}, weight{"weight"}, total{"total"}, mixed{"mixed"},
        out{"attention"};
    Plain(Inputs& in, Expr d_extent, Expr q_extent, Expr k_extent, Expr causal)
        : depth(0, d_extent), keys(0, k_extent) {
      const Expr scale = kLog2E / Halide::sqrt(Halide::cast<float>(d_extent));
      score(key, s, h) += in.q(depth, s, h) * in.k(depth, key, h);
      const Expr visible = causal == 0 || key <= s + (k_extent - q_extent);
      Func masked("masked");
      masked(key, s, h) = Halide::select(visible, score(key, s, h) * scale, kMaskedScore);
      largest(s, h) = kMaskedScore;
      largest(s, h) = Halide::max(largest(s, h), masked(keys, s, h));
      weight(key, s, h) = Exp2NonPositive(masked(key, s, h) - largest(s, h));
      total(s, h) += weight(keys, s, h);
      mixed(d, s, h) += weight(keys, s, h) * in.v(d, keys, h);
      out(d, s, h) = mixed(d, s, h) / total(s, h);
    }
  };
};

}  // namespace

const Operator* AttentionOperator() {
  static const Attention op;
  return &op;
}

}  // namespace halyard
