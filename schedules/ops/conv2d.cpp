// NHWC convolution: out[N, OH, OW, CO] = sum over (kh, kw, ci) of in[N, H, W, CI] * w[KH, KW, CI/g,
// CO], zero padding, stride, dilation and g groups (depthwise is g = CI = CO), with an optional
// epilogue (epilogue.h); packed=1: the weights are constant and laid out or transformed ahead.

#include <algorithm>

#include "fmt/format.h"
#include "schedules/blocked_matmul.h"
#include "schedules/conv_schedule.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"
#include "schedules/operator.h"
#include "schedules/ops/operators.h"
#include "targets/counter_rng.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::Param;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

class Conv2d final : public Operator {
 public:
  std::string name() const override { return "conv2d"; }
  std::string shape_help() const override {
    return "NxHxWxCIxCOxKHxKW[,stride=,pad=,dilation=,groups=,packed=1,bias=1,residual=1,"
           "act=relu|gelu]";
  }
  std::vector<AttributeSpec> attributes() const override {
    std::vector<AttributeSpec> all = {{"stride", 1, 1, 64},
                                      {"pad", 0, 0, 1024},
                                      {"dilation", 1, 1, 64},
                                      {"groups", 1, 1, 1 << 20},
                                      {kPackedAttribute, 0, 0, 1}};
    for (AttributeSpec& a : EpilogueAttributes()) all.push_back(std::move(a));
    return all;
  }
  std::vector<std::string> input_names() const override { return {"x", "w"}; }
  std::vector<std::string> dim_names() const override {
    return {"n", "h", "w", "ci", "co", "kh", "kw"};
  }
  std::string algorithm_knob() const override { return "form"; }

  absl::Status CheckShape(Workload& w) const override {
    if (auto s = ExpectRank(w, {7}, "seven sizes NxHxWxCIxCOxKHxKW, such as 1x56x56x64x64x3x3");
        !s.ok()) {
      return s;
    }
    const ConvSizes c = Sizes(w);
    for (const auto& [what, channels] : {std::pair{"input", c.ci}, std::pair{"output", c.co}}) {
      if (channels % c.groups != 0) {
        return absl::InvalidArgumentError(
            fmt::format("has {} groups, which do not divide {} {} channels; give a divisor of both",
                        c.groups, channels, what));
      }
    }
    for (const auto& [what, in, kernel] :
         {std::tuple{"height", c.h, c.kh}, std::tuple{"width", c.w, c.kw}}) {
      const int64_t span = (kernel - 1) * c.dilation + 1;
      if (span > in + 2 * c.pad) {
        return absl::InvalidArgumentError(
            fmt::format("has a kernel that spans {} of a padded {} of {}; give a smaller kernel or "
                        "dilation, or more padding",
                        span, what, in + 2 * c.pad));
      }
    }
    return absl::OkStatus();
  }
  std::vector<BufferSpec> InputShapes(const Workload& w) const override {
    const ConvSizes c = Sizes(w);
    std::vector<BufferSpec> shapes = {{{c.n, c.h, c.w, c.ci}}, {{c.kh, c.kw, c.ci_group(), c.co}}};
    for (BufferSpec& s : EpilogueShapes(c.epilogue, OutputShape(w))) {
      shapes.push_back(std::move(s));
    }
    return shapes;
  }
  BufferSpec OutputShape(const Workload& w) const override {
    const ConvSizes c = Sizes(w);
    return {{c.n, c.oh(), c.ow(), c.co}};
  }

  SpaceDefinition Space(const Workload& w, const Device& device) const override {
    return ConvSpace(Sizes(w), device);
  }

  Lowered Lower(const Workload& w, const Device&, const ConfigView& view) const override {
    return ScheduleConv(Sizes(w), view);
  }

  // Direct, one output row a task, vectors along output channels.
  Lowered LowerGeneric(const Device& device) const override {
    ImageParam x(Halide::Float(32), 4, "x"), w(Halide::Float(32), 4, "w");
    Param<int> stride("stride"), pad("pad"), dilation("dilation"), groups("groups");
    Plain p(x, w, stride, pad, dilation, groups, x.dim(0).extent(), x.dim(1).extent(),
            x.dim(2).extent(), w.dim(1).extent(), w.dim(0).extent(), w.dim(2).extent(),
            w.dim(3).extent());
    Var task("task");
    const int lanes = device.lanes_f32();
    p.out.fuse(p.y, p.b, task).parallel(task).vectorize(p.co, lanes, TailStrategy::GuardWithIf);
    p.acc.compute_at(p.out, p.x).vectorize(p.co, lanes, TailStrategy::GuardWithIf);
    p.acc.update().reorder(p.co, p.r.x, p.r.y, p.r.z);
    p.acc.update().vectorize(p.co, lanes, TailStrategy::GuardWithIf);
    return {p.out, {x, w, stride, pad, dilation, groups}, {}, {}};
  }

  Lowered LowerUnscheduled(const Workload& wl) const override {
    const ConvSizes c = Sizes(wl);
    ImageParam x(Halide::Float(32), 4, "x"), w(Halide::Float(32), 4, "w");
    const auto shapes = InputShapes(wl);
    BindEstimates(x, shapes[0]);
    BindEstimates(w, shapes[1]);
    Plain p(x, w, Extent(c.stride), Extent(c.pad), Extent(c.dilation), Extent(c.groups),
            Extent(c.ci), Extent(c.w), Extent(c.h), Extent(c.ci_group()), Extent(c.co),
            Extent(c.kw), Extent(c.kh));
    Func out = p.out;
    Lowered lowered{{}, {x, w}, {shapes[0], shapes[1]}, OutputShape(wl)};
    if (!c.epilogue.empty()) {
      const EpilogueStage stage(c.epilogue, OutputShape(wl), /*channel_dims=*/1, lowered,
                                EpilogueStage::Bounds::kEstimates);
      out = Func("conv2d_fused");
      out(p.co, p.x, p.y, p.b) = stage(p.out(p.co, p.x, p.y, p.b), {p.co, p.x, p.y, p.b});
    }
    SetEstimates(out, OutputShape(wl));
    lowered.output = out;
    return lowered;
  }

  // Products with padding are not counted.
  double Flops(const Workload& w) const override {
    const ConvSizes c = Sizes(w);
    auto taps_inside = [&](int64_t out, int64_t in, int64_t kernel) {
      double taps = 0;
      for (int64_t o = 0; o < out; o++) {
        for (int64_t k = 0; k < kernel; k++) {
          const int64_t at = o * c.stride + k * c.dilation - c.pad;
          taps += at >= 0 && at < in;
        }
      }
      return taps;
    };
    return 2.0 * static_cast<double>(c.n * c.co * c.ci_group()) * taps_inside(c.oh(), c.h, c.kh) *
               taps_inside(c.ow(), c.w, c.kw) +
           EpilogueFlops(c.epilogue, OutputShape(w));
  }

  double Reference(const Workload& wl, const InputReader& in, int64_t index) const override {
    const ConvSizes c = Sizes(wl);
    const int64_t co = index % c.co, x = index / c.co % c.ow(), y = index / c.co / c.ow() % c.oh();
    const int64_t n = index / c.co / c.ow() / c.oh();
    const int64_t first_ci = co / c.co_group() * c.ci_group();
    double sum = 0;
    for (int64_t ky = 0; ky < c.kh; ky++) {
      for (int64_t kx = 0; kx < c.kw; kx++) {
        const int64_t iy = y * c.stride + ky * c.dilation - c.pad;
        const int64_t ix = x * c.stride + kx * c.dilation - c.pad;
        if (iy < 0 || iy >= c.h || ix < 0 || ix >= c.w) continue;
        for (int64_t ci = 0; ci < c.ci_group(); ci++) {
          sum += in(0, ((n * c.h + iy) * c.w + ix) * c.ci + first_ci + ci) *
                 in(1, ((ky * c.kw + kx) * c.ci_group() + ci) * c.co + co);
        }
      }
    }
    return EpilogueReference(c.epilogue, sum, in, /*first=*/2, co, index);
  }
  double Tolerance(const Workload& w) const override {
    const ConvSizes c = Sizes(w);
    return EpilogueTolerance(c.epilogue, c.ci_group() * c.kh * c.kw);
  }

  // Output channels are folded into the weights first, then each (tap, channel) of the folded
  // kernel meets the signed sum of the pixels it sees: O(CO CI KH KW + N OH OW CI KH KW).
  std::optional<double> Projection(const Workload& wl, const InputReader& in,
                                   uint64_t seed) const override {
    const ConvSizes c = Sizes(wl);
    if (c.epilogue.activation != Activation::kNone) return std::nullopt;
    double sum = EpilogueProjection(c.epilogue, OutputShape(wl), in, /*first=*/2, seed);
    for (int64_t g = 0; g < c.groups; g++) {
      for (int64_t ky = 0; ky < c.kh; ky++) {
        for (int64_t kx = 0; kx < c.kw; kx++) {
          for (int64_t ci = 0; ci < c.ci_group(); ci++) {
            double folded = 0;
            for (int64_t o = g * c.co_group(); o < (g + 1) * c.co_group(); o++) {
              folded += ProjectionSign(seed, 3, o) *
                        in(1, ((ky * c.kw + kx) * c.ci_group() + ci) * c.co + o);
            }
            sum += folded * SignedPixels(c, in, seed, ky, kx, g * c.ci_group() + ci);
          }
        }
      }
    }
    return sum;
  }

  // Some rows of the output: fewer input rows; weights are still packed once.
  ProbePlan Probe(const Workload& w, const Device&, const ConfigView& config) const override {
    Workload image = w;
    image.shape[0] = 1;
    const ConvSizes c = Sizes(image);
    const MatmulTile t = ReadMatmulTile(config);
    const int64_t tile_rows = (t.reg_m * t.tile_m + c.ow() - 1) / c.ow();
    const int64_t pixel_rows =
        config.is("form", "winograd") ? config["rows"] * config["winograd"] : config["rows"];
    const int64_t granule = std::max(pixel_rows, tile_rows);
    ProbePlan plan = RowProbe(OutputRows(image), /*dim=*/1, Flops(image), granule);
    for (Workload& size : plan.sizes) {
      const int64_t rows = size.shape[1];
      size = image;
      if (rows != c.oh()) size.shape[1] = InputRowsFor(c, rows);
    }
    plan.repeat = static_cast<double>(w.shape[0]);
    return plan;
  }

 private:
  static ConvSizes Sizes(const Workload& w) {
    return {w.shape[0],
            w.shape[1],
            w.shape[2],
            w.shape[3],
            w.shape[4],
            w.shape[5],
            w.shape[6],
            w.attribute("stride"),
            w.attribute("pad"),
            w.attribute("dilation"),
            w.attribute("groups"),
            w.attribute(kPackedAttribute) != 0,
            EpilogueOf(w)};
  }
  // The workload with output rows in place of input rows, so that a probe can count in them.
  static Workload OutputRows(Workload w) {
    w.shape[1] = Sizes(w).oh();
    return w;
  }
  static int64_t InputRowsFor(const ConvSizes& c, int64_t output_rows) {
    return std::max<int64_t>(
        1, (output_rows - 1) * c.stride + (c.kh - 1) * c.dilation + 1 - 2 * c.pad);
  }

  static double SignedPixels(const ConvSizes& c, const InputReader& in, uint64_t seed, int64_t ky,
                             int64_t kx, int64_t ci) {
    double sum = 0;
    for (int64_t n = 0; n < c.n; n++) {
      for (int64_t y = 0; y < c.oh(); y++) {
        const int64_t iy = y * c.stride + ky * c.dilation - c.pad;
        if (iy < 0 || iy >= c.h) continue;
        double row = 0;
        for (int64_t x = 0; x < c.ow(); x++) {
          const int64_t ix = x * c.stride + kx * c.dilation - c.pad;
          if (ix < 0 || ix >= c.w) continue;
          row += ProjectionSign(seed, 2, x) * in(0, ((n * c.h + iy) * c.w + ix) * c.ci + ci);
        }
        sum += row * ProjectionSign(seed, 0, n) * ProjectionSign(seed, 1, y);
      }
    }
    return sum;
  }

  // The textbook definition with every size an expression.
  struct Plain {
    Var co{"co"}, x{"x"}, y{"y"}, b{"b"};
    RDom r;
    Func padded{"padded"}, acc{"acc"}, out{"conv2d"};
    Plain(ImageParam in, ImageParam w, Expr stride, Expr pad, Expr dilation, Expr groups, Expr ci,
          Expr width, Expr height, Expr ci_group, Expr co_extent, Expr kw, Expr kh)
        : r({{0, ci_group}, {0, kw}, {0, kh}}) {
      Var c("c");
      const Expr ix = Halide::clamp(x, 0, width - 1), iy = Halide::clamp(y, 0, height - 1);
      const Expr inside = x >= 0 && x < width && y >= 0 && y < height;
      padded(c, x, y, b) = Halide::select(inside, in(Halide::clamp(c, 0, ci - 1), ix, iy, b), 0.0f);
      const Expr group = co / Halide::max(co_extent / groups, 1);
      acc(co, x, y, b) += padded(group * ci_group + r.x, x * stride + r.y * dilation - pad,
                                 y * stride + r.z * dilation - pad, b) *
                          w(co, r.x, r.y, r.z);
      out(co, x, y, b) = acc(co, x, y, b);
    }
  };
};

}  // namespace

const Operator* Conv2dOperator() {
  static const Conv2d op;
  return &op;
}

}  // namespace halyard
