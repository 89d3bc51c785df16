// out[R, C] = exp(x - max of the row) / sum of the row, rows of a row-major matrix.
//
// Arithmetic, a vector of 16: maximum 1 load and 1 micro-op; exponential 13 (exp2.h), sum 1, 1
// store; scale 1 load, 1 multiplication, 1 store. 16 micro-ops on two vector ports, 8 cycles, for
// 64 bytes read and 64 written: at 3.7 GHz 30 GB/s a core, about what a core copies out of its L2
// and more than memory gives, so the passes over a row are to meet it in cache. A row that does not
// fit is read once less by the online form, for twice the exponentials.

#include <cmath>

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
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

struct Tiles {
  int vec, partials, unroll, block, grain;
  bool store = false, online = false;
  int width() const { return vec * partials; }  // columns folded into one step of a reduction
};

Tiles ReadTiles(const ConfigView& view) {
  auto read = [&](const char* name) { return static_cast<int>(view[name]); };
  return {read("vec"),   read("partials"),         read("unroll"),           read("block"),
          read("grain"), view.is("form", "store"), view.is("form", "online")};
}

class Softmax final : public Operator {
 public:
  std::string name() const override { return "softmax"; }
  std::string shape_help() const override { return "RxC"; }
  std::vector<std::string> input_names() const override { return {"x"}; }
  std::vector<std::string> dim_names() const override { return {"rows", "columns"}; }
  std::string algorithm_knob() const override { return "form"; }

  absl::Status CheckShape(Workload& w) const override {
    return ExpectRank(w, {2}, "two sizes RxC, such as 4096x1000");
  }
  std::vector<BufferSpec> InputShapes(const Workload& w) const override { return {{w.shape}}; }
  BufferSpec OutputShape(const Workload& w) const override { return {w.shape}; }

  SpaceDefinition Space(const Workload& w, const Device& device) const override {
    const int64_t rows = w.shape[0], columns = w.shape[1];
    SpaceDefinition def;
    def.version = 1;
    def.knobs = {
        // Exponentials kept in a row buffer, or computed again for the output; or maximum and sum
        // in one pass, the sum rescaled as the maximum grows, and exponentials again for the
        // output.
        Knob::Choice("form", {"store", "recompute", "online"}),
        Knob::Sizes("vec", VectorWidths(device)),
        // Independent partial maxima and sums: one chain is bound by the latency of max and add.
        Knob::Sizes("partials", {1, 2, 3, 4, 6, 8}),
        Knob::Sizes("unroll", {1, 2, 4, 8}),
        Knob::Sizes("block", UpTo({1, 2, 4, 8, 16}, rows)),
        Knob::Sizes("grain", UpTo({1, 2, 4, 8, 16, 32, 64, 128, 256, 1024}, rows)),
        ParallelKnob(device, "no", {"yes"}),
    };
    def.canonicalise = [knobs = def.knobs](const ConfigView& v, Config& c) {
      if (v.is("parallel", "no")) ResetKnob(knobs, "grain", c);
    };
    def.why_invalid = [=](const ConfigView& v) -> std::string {
      const Tiles t = ReadTiles(v);
      const int native = std::max(1, t.vec / device.lanes_f32());
      if (t.partials * native * (t.online ? 4 : 2) > device.vector_registers)
        return "partial results spill registers";
      if (t.width() > RoundUp(columns, t.vec)) return "a reduction step wider than the row";
      if (t.unroll * t.vec > RoundUp(columns, t.vec)) return "unrolls beyond the row";
      if (t.block * t.grain > rows && t.grain > 1) return "more rows a task than the tensor has";
      const int64_t l2 = device.level2_bytes();
      if (t.store && t.block > 1 && 4 * t.block * columns > l2) return "block of rows beyond L2";
      return "";
    };
    def.safe.assign(def.knobs.size(), 0);
    if (device.has_os()) SetLabel(def.knobs, "parallel", "yes", def.safe);
    return def;
  }

  Lowered Lower(const Workload& w, const Device&, const ConfigView& view) const override {
    ImageParam x(Halide::Float(32), 2, "x");
    BindDense(x, {w.shape});
    Func out = Schedule(x, Extent(w.shape[0]), Extent(w.shape[1]), ReadTiles(view),
                        view.is("parallel", "yes"));
    BindDense(out, {w.shape});
    return {out, {x}, {{w.shape}}, {w.shape}};
  }

  Lowered LowerGeneric(const Device& device) const override {
    ImageParam x(Halide::Float(32), 2, "x");
    const Tiles tiles{device.lanes_f32(), 1, 1, 1, 1, /*store=*/true};
    return {Schedule(x, x.dim(1).extent(), x.dim(0).extent(), tiles, true), {x}, {}, {}};
  }

  Lowered LowerUnscheduled(const Workload& w) const override {
    ImageParam x(Halide::Float(32), 2, "x");
    BindEstimates(x, {w.shape});
    Var c("c"), r("r");
    RDom k(0, Extent(w.shape[1]));
    Func largest("largest"), e("e"), total("total"), out("softmax");
    largest(r) = kMaskedScore;
    largest(r) = Halide::max(largest(r), x(k, r));
    e(c, r) = Exp2NonPositive((x(c, r) - largest(r)) * kLog2E);
    total(r) += e(k, r);
    out(c, r) = e(c, r) / total(r);
    SetEstimates(out, {w.shape});
    return {out, {x}, {{w.shape}}, {w.shape}};
  }

  // Compare, subtract, exponential (counted as one), add, divide.
  double Flops(const Workload& w) const override {
    return 5.0 * static_cast<double>(w.shape[0]) * static_cast<double>(w.shape[1]);
  }

  double Reference(const Workload& w, const InputReader& in, int64_t index) const override {
    const int64_t columns = w.shape[1], row = index / columns;
    double largest = -INFINITY, total = 0;
    for (int64_t c = 0; c < columns; c++) largest = std::max(largest, in(0, row * columns + c));
    for (int64_t c = 0; c < columns; c++) total += std::exp(in(0, row * columns + c) - largest);
    return std::exp(in(0, index) - largest) / total;
  }
  // Results are at most e^2 / C for inputs in [-1, 1); 16 roundings of the largest of them.
  double Tolerance(const Workload& w) const override {
    return 1e-6 * std::min(1.0, 8.0 / static_cast<double>(w.shape[1]));
  }

  ProbePlan Probe(const Workload& w, const Device&, const ConfigView& config) const override {
    const Tiles t = ReadTiles(config);
    return RowProbe(w, /*dim=*/0, 4 * Flops(w), /*granule=*/t.block * t.grain);
  }

 private:
  static Func Schedule(ImageParam x, Expr rows, Expr columns, const Tiles& t, bool parallel) {
    Var c("c"), r("r"), j("j"), rb("rb"), ri("ri"), co("co"), cv("cv"), jo("jo"), jv("jv"),
        task("task");
    Func in("in"), part_max("part_max"), row_max("row_max"), largest("largest"), e("e");
    Func online("online"), part_sum("part_sum"), row_sum("row_sum"), scale("scale"), out("softmax");
    const Expr steps = (columns + t.width() - 1) / t.width();
    RDom k(0, steps, "k"), k2(0, steps, "k2"), f(0, t.width(), "f"), f2(0, t.width(), "f2");

    // Past the end of a row its last element stands again, which a maximum does not notice; its
    // exponential is masked to zero. Rows past the end are computed and never stored.
    const Expr row = Halide::min(r, rows - 1);
    in(c, r) = x(Halide::min(Halide::likely(c), columns - 1), row) * kLog2E;
    auto within = [&](Expr column, Expr value) {
      return Halide::select(Halide::likely(column < columns), value, 0.0f);
    };
    row_max(r) = kMaskedScore;
    row_sum(r) = 0.0f;
    if (t.online) {
      // Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018, in each lane.
      const Expr column = k * t.width() + j, x_at = in(column, r);
      online(j, r) = Halide::Tuple(kMaskedScore, 0.0f);
      const Expr before = online(j, r)[0], after = Halide::max(before, x_at);
      online(j, r) = Halide::Tuple(after, online(j, r)[1] * Exp2NonPositive(before - after) +
                                              within(column, Exp2NonPositive(x_at - after)));
      row_max(r) = Halide::max(row_max(r), online(f, r)[0]);
      largest(r) = row_max(r);
      e(c, r) = Exp2NonPositive(in(c, r) - largest(r));
      row_sum(r) += online(f2, r)[1] * Exp2NonPositive(online(f2, r)[0] - largest(r));
    } else {
      part_max(j, r) = kMaskedScore;
      part_max(j, r) = Halide::max(part_max(j, r), in(k * t.width() + j, r));
      row_max(r) = Halide::max(row_max(r), part_max(f, r));
      largest(r) = row_max(r);
      e(c, r) = Exp2NonPositive(in(c, r) - largest(r));
      part_sum(j, r) = 0.0f;
      const Expr column = k2 * t.width() + j;
      part_sum(j, r) += within(column, e(column, r));
      row_sum(r) += part_sum(f2, r);
    }
    scale(r) = 1.0f / row_sum(r);
    out(c, r) = e(c, r) * scale(r);

    out.split(r, rb, ri, t.block, TailStrategy::GuardWithIf).reorder(c, ri, rb);
    out.split(c, co, cv, t.vec, TailStrategy::GuardWithIf).vectorize(cv);
    if (t.unroll > 1) out.unroll(co, t.unroll, TailStrategy::GuardWithIf);
    if (parallel) {
      if (t.grain > 1) {
        out.split(rb, task, rb, t.grain, TailStrategy::GuardWithIf).parallel(task);
      } else {
        out.parallel(rb);
      }
    }
    if (t.store) {
      e.compute_at(out, rb).bound_extent(r, t.block);
      e.split(c, co, cv, t.vec, TailStrategy::RoundUp).vectorize(cv);
      if (t.unroll > 1) e.unroll(co, t.unroll, TailStrategy::RoundUp);
    }
    for (Func whole : {largest, scale}) whole.compute_at(out, rb).bound_extent(r, t.block);
    if (t.online) {
      online.compute_at(out, rb).bound_extent(r, t.block);
      ScheduleLanes(online, j, r, k, t);
    } else {
      part_max.compute_at(largest, r);
      part_sum.compute_at(scale, r);
      ScheduleLanes(part_max, j, r, k, t);
      ScheduleLanes(part_sum, j, r, k2, t);
    }
    row_max.compute_at(largest, r).update().atomic().vectorize(f.x);
    row_sum.compute_at(scale, r).update().atomic().vectorize(f2.x);
    return out;
  }

  // The partial results of a row, in registers over all of `k`.
  static void ScheduleLanes(Func part, Var j, Var r, RDom& k, const Tiles& t) {
    Var jo("jo"), jv("jv");
    part.bound_extent(j, t.width());
    part.split(j, jo, jv, t.vec).vectorize(jv).unroll(jo);
    part.update().split(j, jo, jv, t.vec).reorder(jv, jo, k.x, r).vectorize(jv).unroll(jo);
  }
};

}  // namespace

const Operator* SoftmaxOperator() {
  static const Softmax op;
  return &op;
}

}  // namespace halyard
