#include "schedules/conv_schedule.h"

#include "schedules/blocked_matmul.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"
#include "schedules/winograd.h"

namespace halyard {

using Halide::Expr;
using Halide::ImageParam;

Expr PaddedInput(const ImageParam& x, const ConvSizes& c, Expr ci, Expr g, Expr ix, Expr iy, Expr n,
                 bool clamp_group) {
  if (clamp_group) g = Halide::min(Halide::likely(g), Extent(c.groups - 1));
  const Expr cx = Halide::clamp(Halide::likely(ix), 0, Extent(c.w - 1));
  const Expr cy = Halide::clamp(Halide::likely(iy), 0, Extent(c.h - 1));
  const Expr value = x(ci, g, cx, cy, n);
  if (c.pad == 0) return value;
  const Expr inside = ix >= 0 && ix < Extent(c.w) && iy >= 0 && iy < Extent(c.h);
  return Halide::select(Halide::likely(inside), value, 0.0f);
}

namespace {

using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

MatmulSizes ProductOf(const ConvSizes& c) {
  return {c.n * c.oh() * c.ow(), c.co, c.ci, c.kh * c.kw};
}

// Extent of the channels that the vector lanes run along.
int64_t LaneExtent(const ConvSizes& c) { return c.depthwise() ? c.groups : c.co_group(); }

std::string WhyDirectInvalid(const ConvSizes& c, const Device& device, const ConfigView& v) {
  const MatmulTile t = ReadMatmulTile(v);
  const int native = std::max(1, t.vec / device.lanes_f32());
  const int operand = device.triplet.starts_with("x86") && !c.depthwise() ? 1 : t.reg_n + 1;
  if ((t.reg_m * t.reg_n + operand) * native > device.vector_registers) {
    return "register tile spills registers";
  }
  const int64_t lanes = LaneExtent(c);
  if (t.reg_m > c.ow()) return "register tile wider than the output row";
  if (t.cols() >= 2 * RoundUp(lanes, t.vec) && t.reg_n > 1) {
    return "register tile wider than the channels";
  }
  if (v.is("pack_b", "tile")) return "direct weights are packed once or not at all";
  if (v.is("tail", "shift") && t.cols() > lanes) {
    return "a shifted tail needs the channels to hold one register tile";
  }
  const bool ragged_lanes = lanes % t.cols() != 0;
  if (v.is("tail", "pad") && ragged_lanes && v.is("pack_b", "none")) {
    return "a padded tail in channels needs packed weights";
  }
  const bool reads_past = v.is("tail", "pad") && (ragged_lanes || c.ow() % t.reg_m != 0);
  if (v.is("input", "plain") && (c.pad != 0 || reads_past)) {
    return "an input read in place can be neither padded nor read past its end";
  }
  if (v.is("input", "inline")) {
    if (c.pad == 0 && !reads_past) return "an input that needs no padding is read in place";
    if (v.is("tail", "pad") && c.depthwise() && ragged_lanes) {
      return "a border computed where it is read cannot be ragged in its channels";
    }
  }
  const int64_t body =
      t.unroll_k * t.reg_m * t.reg_n * native * (c.ci_group() == 1 ? c.kh * c.kw : 1);
  if (body > 512) return "unrolled body larger than the micro-op cache";
  if (v["rows"] > c.oh()) return "more rows a task than the output has";
  return "";
}

// Whether row `m` of the product, a pixel of the output, has its pixel of kernel position `tap` at
// a place of its own, and which: the number of that pixel in the input, or -1 outside the image.
Expr InputPixel(const ConvSizes& c, Expr tap, Expr m) {
  const Expr ox = m % Extent(c.ow()), oy = m / Extent(c.ow()) % Extent(c.oh());
  const Expr n = m / Extent(c.ow() * c.oh());
  const Expr ix = ox * Extent(c.stride) + tap % Extent(c.kw) * Extent(c.dilation) - Extent(c.pad);
  const Expr iy = oy * Extent(c.stride) + tap / Extent(c.kw) * Extent(c.dilation) - Extent(c.pad);
  const Expr inside = ix >= 0 && ix < Extent(c.w) && iy >= 0 && iy < Extent(c.h);
  return Halide::select(inside, (n * Extent(c.h) + iy) * Extent(c.w) + ix, -1);
}

// The product of the fields of view, a row for each pixel of the output, and the weights. The
// fields are copied (im2col), some rows or all; or read in place, through a table that tells where
// the pixels of a row are (Dukhan, "The Indirect Convolution Algorithm", 2019). There the table
// holds pointers, here numbers of pixels, and in place of his row of zeros the border's are
// selected. On AVX-512 that selects in a register and broadcasts from there, on a port that
// multiplies too, where a copy is broadcast by the load: 1.15 to 1.35 times the time of copying a
// few rows, measured on 3x3 kernels of stride 2. Without padding nothing is selected.
Lowered LowerIm2col(const ConvSizes& c, const ConfigView& view) {
  const MatmulSizes p = ProductOf(c);
  Var n("n"), m("m"), k("k"), tap("tap");
  ImageParam x(Halide::Float(32), 2, "x"), w(Halide::Float(32), 3, "w");
  const BufferSpec x_shape{{c.n * c.h * c.w, c.ci}}, w_shape{{p.taps, p.depth, p.cols}};
  const BufferSpec out_shape{{p.rows, p.cols}};
  BindDense(x, x_shape);
  BindDense(w, w_shape);
  Lowered lowered{{}, {x, w}, {x_shape, w_shape}, out_shape};
  Func fields("fields"), weights("weights"), pixel("pixel");
  weights(n, k, tap) = w(n, k, tap);
  MatmulHooks hooks;
  hooks.ahead = [&](Func panels) {
    const ImageParam packed = PrepareAhead(panels, PanelShape(p, view), w, 1, lowered.prepare);
    lowered.arguments[1] = packed;
    return packed;
  };
  if (c.input_is_matrix()) {
    fields(k, tap, m) = x(k, m);
  } else {
    pixel(tap, m) = InputPixel(c, tap, m);
    if (view.is("pack_a", "none")) hooks.a_rows_at = pixel;
    const Expr number = pixel(tap, m), last = Extent(c.n * c.h * c.w - 1);
    const Expr read = x(k, Halide::unsafe_promise_clamped(Halide::max(number, 0), 0, last));
    fields(k, tap, m) = c.pad == 0 ? read : Halide::select(number >= 0, read, 0.0f);
  }
  const EpilogueStage stage(c.epilogue, out_shape, /*channel_dims=*/1, lowered);
  if (!c.epilogue.empty()) hooks.stored = stage;
  lowered.output = ScheduleMatmul("conv2d", fields, weights,
                                  {Extent(p.rows), Extent(p.cols), Extent(p.depth), Extent(p.taps)},
                                  view, hooks);
  BindDense(lowered.output, out_shape);
  return lowered;
}

Lowered LowerDirect(const ConvSizes& c, const ConfigView& view) {
  const MatmulTile t = ReadMatmulTile(view);
  Var cg("cg"), g("g"), x("x"), y("y"), n("n"), ci("ci"), kx("kx"), ky("ky");
  const BufferSpec x_shape{{c.n, c.h, c.w, c.groups, c.ci_group()}};
  const BufferSpec w_shape{{c.kh, c.kw, c.ci_group(), c.groups, c.co_group()}};
  const BufferSpec out_shape{{c.n, c.oh(), c.ow(), c.groups, c.co_group()}};
  ImageParam in(Halide::Float(32), 5, "x"), w(Halide::Float(32), 5, "w");
  BindDense(in, x_shape);
  BindDense(w, w_shape);
  Lowered lowered{{}, {in, w}, {x_shape, w_shape}, out_shape};
  const bool depthwise = c.depthwise(), pack = !view.is("pack_b", "none");
  const bool plain_input = view.is("input", "plain");
  const Var lane = depthwise ? g : cg;
  const Expr lane_extent = Extent(LaneExtent(c));

  Func padded("padded"), panels("w_panels"), acc("acc"), out("conv2d");
  padded(ci, g, x, y, n) =
      plain_input ? in(ci, g, x, y, n)
                  : PaddedInput(in, c, ci, g, x, y, n,
                                depthwise && view.is("tail", "pad") && c.groups % t.cols() != 0);
  // [group][lane panel][kh][kw][ci][lane in panel]
  Var within("within"), panel("panel"), other("other");
  const Expr packed_lane = Halide::min(Halide::likely(panel * t.cols() + within), lane_extent - 1);
  panels(within, ci, kx, ky, panel, other) =
      depthwise ? w(other, packed_lane, ci, kx, ky) : w(packed_lane, other, ci, kx, ky);
  Var lt("lt"), lr("lr"), lu("lu"), lv("lv"), xt("xt"), xr("xr"), yo("yo"), yi("yi"), task("task");
  if (pack) {
    panels.bound_extent(within, t.cols()).parallel(panel);
    panels.split(within, lu, lv, t.vec).vectorize(lv).unroll(lu);
  }
  ImageParam stored;
  if (c.weights_ahead) {
    const int64_t panel_count = RoundUp(LaneExtent(c), t.cols()) / t.cols();
    const int64_t others = depthwise ? c.co_group() : c.groups;
    stored = PrepareAhead(panels, {{others, panel_count, c.kh, c.kw, c.ci_group(), t.cols()}}, w, 1,
                          lowered.prepare);
    lowered.arguments[1] = stored;
  } else if (pack) {
    panels.compute_root();
  }
  RDom r({{0, Extent(c.ci_group())}, {0, Extent(c.kw)}, {0, Extent(c.kh)}}, "r");
  const std::vector<Expr> in_panel = {lane % t.cols(),   r.x, r.y, r.z, lane / t.cols(),
                                      depthwise ? cg : g};
  const Expr weight = c.weights_ahead ? stored(in_panel)
                      : pack          ? panels(in_panel)
                                      : w(cg, g, r.x, r.y, r.z);
  acc(cg, g, x, y, n) = 0.0f;
  acc(cg, g, x, y, n) +=
      padded(r.x, g, x * Extent(c.stride) + r.y * Extent(c.dilation) - Extent(c.pad),
             y * Extent(c.stride) + r.z * Extent(c.dilation) - Extent(c.pad), n) *
      weight;
  const EpilogueStage stage(c.epilogue, out_shape, /*channel_dims=*/2, lowered);
  const bool pad = view.is("tail", "pad");
  const Expr read_lane = InsideTail(lane, lane_extent, pad && LaneExtent(c) % t.cols() != 0);
  out(cg, g, x, y, n) =
      stage(acc(cg, g, x, y, n), {depthwise ? Expr(cg) : read_lane, depthwise ? read_lane : Expr(g),
                                  InsideTail(x, Extent(c.ow()), pad && c.ow() % t.reg_m != 0),
                                  InsideTail(y, Extent(c.oh()), c.oh() % view["rows"] != 0), n});

  const Var rest = depthwise ? cg : g;
  const TailStrategy tail = pad ? TailStrategy::GuardWithIf : TailStrategy::ShiftInwards;
  out.bound(lane, 0, lane_extent).split(lane, lt, lr, t.cols(), tail).split(lr, lu, lv, t.vec);
  out.split(x, xt, xr, t.reg_m, tail).vectorize(lv).unroll(lu).unroll(xr);
  out.split(y, yo, yi, static_cast<int>(view["rows"]), TailStrategy::GuardWithIf);
  const bool channels_outer = view.is("order", "n_outer");
  const bool pixels_inner = view.is("inner", "n_outer");
  Var sweep = pixels_inner ? xt : lt;
  if (channels_outer) {
    sweep = xt;
    out.reorder({lv, lu, xr, xt, yi, yo, n, lt, rest});
  } else if (pixels_inner) {
    out.reorder({lv, lu, xr, xt, lt, rest, yi, yo, n});
  } else {
    out.reorder({lv, lu, xr, lt, rest, xt, yi, yo, n});
  }
  Var outermost("outermost"), rows("rows"), channels("channels");
  out.fuse(yo, n, rows);
  if (view.is("parallel", "both") && channels_outer) {
    out.fuse(lt, rest, channels).fuse(rows, channels, outermost).parallel(outermost);
  } else if (channels_outer) {
    out.fuse(lt, rest, outermost);
    if (!view.is("parallel", "serial")) out.parallel(outermost);
  } else {
    outermost = rows;
    if (!view.is("parallel", "serial")) out.parallel(outermost);
  }

  acc.compute_at(out, sweep).bound_extent(lane, t.cols()).bound_extent(x, t.reg_m);
  acc.reorder_storage(lane, rest, x, y, n).reorder(lane, x);
  acc.split(lane, lu, lv, t.vec).vectorize(lv).unroll(lu).unroll(x);
  auto update = acc.update();
  update.split(lane, lu, lv, t.vec).reorder({lv, lu, x, r.x, r.y, r.z});
  update.vectorize(lv).unroll(lu).unroll(x);
  if (c.ci_group() == 1 && t.unroll_k > 1) {
    update.unroll(r.y).unroll(r.z);
  } else if (t.unroll_k > 1) {
    update.unroll(r.x, t.unroll_k);
  }
  // Inline, the border's conditions stand in the loops over x and y, which Halide splits into a
  // first, a middle and a last part: the middle, nearly all of it, reads the input as it is.
  if (!plain_input && !view.is("input", "inline")) {
    if (view.is("input", "root")) {
      padded.compute_root().parallel(n).parallel(y);
    } else {
      padded.compute_at(out, outermost);
    }
    const Var dense = depthwise ? g : ci;
    padded.split(dense, lu, lv, t.vec, TailStrategy::GuardWithIf).vectorize(lv);
  }
  BindDense(out, out_shape);
  lowered.output = out;
  return lowered;
}

}  // namespace

SpaceDefinition ConvSpace(const ConvSizes& c, const Device& device) {
  const MatmulSizes product = ProductOf(c);
  std::vector<std::string> forms = {"direct"};
  if (c.groups == 1) forms.push_back("im2col");
  if (WinogradApplies(c)) forms.push_back("winograd");
  SpaceDefinition def;
  def.version = 3;
  def.knobs = MatmulKnobs({product.rows, LaneExtent(c), c.ci_group(), product.taps}, device,
                          c.weights_ahead);
  def.knobs.insert(def.knobs.begin(), Knob::Choice("form", forms));
  def.knobs.push_back(Knob::Choice("input", {"tile", "root", "plain", "inline"}));
  def.knobs.push_back(Knob::Sizes("rows", UpTo({1, 2, 4, 7, 8, 14, 16, 28}, c.oh())));
  if (WinogradApplies(c)) {
    def.knobs.push_back(Knob::Sizes("winograd", {2, 4}));
    def.knobs.push_back(Knob::Sizes("reg_y", UpTo({1, 2, 4}, (c.oh() + 1) / 2)));
  }
  def.canonicalise = [c, product, knobs = def.knobs](const ConfigView& v, Config& config) {
    const MatmulTile t = ReadMatmulTile(v);
    if (WinogradApplies(c) && !v.is("form", "winograd")) {
      for (const char* idle : {"winograd", "reg_y"}) ResetKnob(knobs, idle, config);
    }
    if (v.is("form", "winograd")) {
      for (const char* idle : {"tile_m", "tile_n", "k_block", "k_split", "inner", "pack_a",
                               "pack_b", "parallel", "tail", "input"}) {
        ResetKnob(knobs, idle, config);
      }
      return;
    }
    if (v.is("form", "im2col")) {
      CanonicaliseMatmul(product, v, knobs, config);
      ResetKnob(knobs, "input", config);
      ResetKnob(knobs, "rows", config);
      return;
    }
    for (const char* idle : {"tile_m", "tile_n", "k_block", "k_split", "pack_a"})
      ResetKnob(knobs, idle, config);
    if (v.is("order", "n_outer")) ResetKnob(knobs, "inner", config);
    if (v.is("order", "m_outer") && v.is("parallel", "both")) {
      SetLabel(knobs, "parallel", "outer", config);
    }
    // Panels are aligned to register tiles; a shifted last tile is not.
    if (!v.is("pack_b", "none")) ResetKnob(knobs, "tail", config);
    if (LaneExtent(c) % t.cols() == 0 && c.ow() % t.reg_m == 0) ResetKnob(knobs, "tail", config);
  };
  def.why_invalid = [c, product, device](const ConfigView& v) -> std::string {
    if (v.is("form", "winograd")) return WhyWinogradInvalid(c, device, v);
    return v.is("form", "im2col") ? WhyMatmulInvalid(product, device, v)
                                  : WhyDirectInvalid(c, device, v);
  };
  SetSafeMatmul(device, def);
  SetKnob(def.knobs, "reg_m", std::min<int64_t>(4, c.ow()), def.safe);
  return def;
}

Lowered ScheduleConv(const ConvSizes& c, const ConfigView& view) {
  if (view.is("form", "winograd")) return LowerWinograd(c, view);
  return view.is("form", "im2col") ? LowerIm2col(c, view) : LowerDirect(c, view);
}

}  // namespace halyard
