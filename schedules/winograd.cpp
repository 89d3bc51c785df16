#include "schedules/winograd.h"

#include <algorithm>
#include <vector>

#include "schedules/blocked_matmul.h"
#include "schedules/knob_sets.h"
#include "schedules/op_io.h"

namespace halyard {
namespace {

using Halide::Expr;
using Halide::Func;
using Halide::ImageParam;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

using Matrix = std::vector<std::vector<float>>;

// Arithmetic of m = 4, a tile of 16 pixels and a vector of 16 channels (AVX-512). Input: 36 loads,
// 192 additions and FMAs (16 for each of the 6 columns, then rows, of B^T d B), 36 stores. Output:
// 36 loads, 140 of them (14 for each of 6 columns and 4 rows of A^T m A), 16 stores. Between them
// 36 products of CI x CO / 16 FMAs a tile, so transforms are 332 / (36 C) of them: 14 % at 64
// channels, 7 % at 128. The filter, 36 / 9 of the plain one, is what has to be in L2: 2.4 MB at 128
// x 128, hence a panel of channels a task (n_outer) for deep layers. 1x28x28x128x128x3x3: 58 of the
// direct form's 231 MFLOP; at the micro-kernel's rate (blocked_matmul.cpp) 141 us and the
// transforms 20 on two cores, 249 reached. The filter streams from L2 once a row of tiles, some 8
// MB a core, which may be the rest.
//
// The transforms of F(m, 3) in one dimension: of the output (A^T), the filter (G), the input (B^T).
struct Transforms {
  Matrix output, filter, input;
};

const Transforms& TransformsOf(int m) {
  static const Transforms f2 = {
      {{1, 1, 1, 0}, {0, 1, -1, -1}},
      {{1, 0, 0}, {.5f, .5f, .5f}, {.5f, -.5f, .5f}, {0, 0, 1}},
      {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}},
  };
  static const Transforms f4 = {
      {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}},
      {{1 / 4.f, 0, 0},
       {-1 / 6.f, -1 / 6.f, -1 / 6.f},
       {-1 / 6.f, 1 / 6.f, -1 / 6.f},
       {1 / 24.f, 1 / 12.f, 1 / 6.f},
       {1 / 24.f, -1 / 12.f, 1 / 6.f},
       {0, 0, 1}},
      {{4, 0, -5, 0, 1, 0},
       {0, -4, -4, 1, 1, 0},
       {0, 4, -4, -1, 1, 0},
       {0, -2, -1, 2, 1, 0},
       {0, 2, -1, -2, 1, 0},
       {0, 4, 0, -5, 0, 1}},
  };
  return m == 2 ? f2 : f4;
}

// Row `i` of matrix times the vector of values(j). `i` is a loop that gets unrolled, so that of the
// choice one row is left.
Expr Apply(const Matrix& matrix, Expr i, const std::function<Expr(int)>& values) {
  std::vector<Expr> rows;
  for (const std::vector<float>& row : matrix) {
    Expr sum;
    for (size_t j = 0; j < row.size(); j++) {
      if (row[j] == 0) continue;
      const Expr value = values(static_cast<int>(j));
      const Expr term = row[j] == 1 ? value : value * row[j];
      sum = sum.defined() ? sum + term : term;
    }
    rows.push_back(sum);
  }
  return Halide::mux(i, rows);
}

// See winograd.h on rounding.
constexpr int64_t kFewestChannelsOfF4 = 16;

struct Tile {
  int m, edge;  // output and input tile, in pixels
  int reg_y, rows;
};

Tile ReadTile(const ConfigView& view) {
  const int m = static_cast<int>(view["winograd"]);
  return {m, m + 2, static_cast<int>(view["reg_y"]), static_cast<int>(view["rows"])};
}

}  // namespace

bool WinogradApplies(const ConvSizes& c) {
  return c.kh == 3 && c.kw == 3 && c.stride == 1 && c.dilation == 1 && c.groups == 1;
}

std::string WhyWinogradInvalid(const ConvSizes& c, const Device& device, const ConfigView& v) {
  const MatmulTile t = ReadMatmulTile(v);
  const Tile w = ReadTile(v);
  const int native = std::max(1, t.vec / device.lanes_f32());
  const int operand = device.triplet.starts_with("x86") ? 1 : t.reg_n + 1;
  const int tiles = t.reg_m * w.reg_y;
  if ((tiles * t.reg_n + operand) * native > device.vector_registers) {
    return "register tile spills registers";
  }
  if (w.m == 4 && c.ci < kFewestChannelsOfF4) {
    return "too few channels for the rounding of F(4x4) to stay inside the tolerance";
  }
  const int64_t tiles_x = (c.ow() + w.m - 1) / w.m, tiles_y = (c.oh() + w.m - 1) / w.m;
  if (t.reg_m > tiles_x || w.reg_y > tiles_y) return "register tile beyond the output's tiles";
  if (w.rows > tiles_y) return "more rows a task than the output has";
  if (w.rows % w.reg_y != 0) return "rows of a task are not whole register tiles";
  if (t.cols() >= 2 * RoundUp(c.co, t.vec) && t.reg_n > 1) {
    return "register tile wider than the channels";
  }
  if (t.unroll_k > c.ci) return "unrolls channels beyond their extent";
  if (t.unroll_k * tiles * t.reg_n * native > 256) {
    return "unrolled body larger than the micro-op cache";
  }
  // Transformed input and products of a task.
  const int64_t l2 = device.level2_bytes();
  const int64_t block = RoundUp(tiles_x, t.reg_m) * w.rows * w.edge * w.edge;
  if (4 * block * (RoundUp(c.ci, t.vec) + RoundUp(c.co, t.cols())) > 2 * l2) {
    return "transformed tiles of a task beyond L2";
  }
  if (v.is("order", "n_outer")) {
    if (!c.weights_ahead && 4 * w.edge * w.edge * c.ci * t.cols() > 2 * l2)
      return "transformed filter of a task beyond L2";
    if (t.cols() >= c.co) return "a single panel of channels leaves the other cores idle";
  }
  return "";
}

Lowered LowerWinograd(const ConvSizes& c, const ConfigView& view) {
  const MatmulTile t = ReadMatmulTile(view);
  const Tile w = ReadTile(view);
  const Transforms& transforms = TransformsOf(w.m);
  const BufferSpec x_shape{{c.n, c.h, c.w, 1, c.ci}}, w_shape{{c.kh, c.kw, c.ci, c.co}};
  const BufferSpec out_shape{{c.n, c.oh(), c.ow(), c.co}};
  ImageParam in(Halide::Float(32), 5, "x"), weights(Halide::Float(32), 4, "w");
  BindDense(in, x_shape);
  BindDense(weights, w_shape);

  // ex, ey: position in a transformed tile; px, py: the tile; within, panel: output channel.
  Var ci("ci"), co("co"), ex("ex"), ey("ey"), px("px"), py("py"), n("n"), x("x"), y("y");
  Var within("within"), panel("panel");
  Expr channel = panel * t.cols() + within;
  if (c.co % t.cols() != 0) channel = Halide::min(Halide::likely(channel), Extent(c.co - 1));
  const Expr weight_channel =
      c.ci % 2 == 1 ? Expr(ci) : Halide::min(Halide::likely(ci), Extent(c.ci - 1));
  Func filter_rows("filter_rows"), filter("filter");
  Var kx("kx");
  filter_rows(within, kx, ey, ci, panel) = Apply(
      transforms.filter, ey, [&](int ky) { return weights(channel, weight_channel, kx, ky); });
  filter(within, ci, ex, ey, panel) =
      Apply(transforms.filter, ex, [&](int k) { return filter_rows(within, k, ey, ci, panel); });

  Lowered lowered{{}, {in, weights}, {x_shape, w_shape}, out_shape};
  // An odd number of channels apart, the positions of a filter fall into different sets.
  const int64_t filter_channels = c.ci | 1;
  const bool panels_outer = view.is("order", "n_outer");
  Var cib("cib"), both("both"), cu("cu"), cv("cv");
  filter.bound(ci, 0, Extent(filter_channels));
  filter.bound_extent(within, t.cols()).split(within, cu, cv, t.vec).vectorize(cv);
  filter.unroll(ex).unroll(ey);
  if (panels_outer && !c.weights_ahead) {
    filter.reorder({cv, ex, ey, cu, ci, panel});
  } else {
    filter.split(ci, cib, ci, std::min<int>(16, static_cast<int>(c.ci)), TailStrategy::GuardWithIf);
    filter.reorder({cv, ex, ey, cu, ci, cib, panel}).fuse(cib, panel, both).parallel(both);
  }
  filter_rows.compute_at(filter, cu).bound_extent(within, t.vec).vectorize(within);
  filter_rows.unroll(kx).unroll(ey);
  ImageParam stored;
  if (c.weights_ahead) {
    const int64_t panel_count = RoundUp(c.co, t.cols()) / t.cols();
    stored = PrepareAhead(filter, {{panel_count, w.edge, w.edge, filter_channels, t.cols()}},
                          weights, 1, lowered.prepare);
    lowered.arguments[1] = stored;
  }

  Func input_rows("input_rows"), input("input");
  Var dx("dx");
  // A last vector of channels may be ragged; what is past the end meets no weight.
  const Expr read =
      c.ci % t.vec == 0 ? Expr(ci) : Halide::min(Halide::likely(ci), Extent(c.ci - 1));
  input_rows(ci, dx, ey, px, py, n) = Apply(transforms.input, ey, [&](int dy) {
    return PaddedInput(in, c, read, 0, px * w.m + dx - Extent(c.pad), py * w.m + dy - Extent(c.pad),
                       n, false);
  });
  input(ci, px, py, ex, ey, n) =
      Apply(transforms.input, ex, [&](int d) { return input_rows(ci, d, ey, px, py, n); });

  Func acc("acc"), product("product");
  RDom r(0, Extent(c.ci), "r");
  acc(co, px, py, ex, ey, n) = 0.0f;
  const std::vector<Expr> in_panel = {co % t.cols(), r, ex, ey, co / t.cols()};
  acc(co, px, py, ex, ey, n) +=
      input(r, px, py, ex, ey, n) * (c.weights_ahead ? stored(in_panel) : filter(in_panel));
  product(co, px, py, ex, ey, n) = acc(co, px, py, ex, ey, n);

  Func output_rows("output_rows"), out("conv2d");
  Var oy("oy");
  output_rows(co, ex, oy, px, py, n) =
      Apply(transforms.output, oy, [&](int e) { return product(co, px, py, ex, e, n); });
  const EpilogueStage stage(c.epilogue, out_shape, /*channel_dims=*/1, lowered);
  const int whole_channels = panels_outer ? t.cols() : t.vec;
  out(co, x, y, n) =
      stage(Apply(transforms.output, x % w.m,
                  [&](int e) { return output_rows(co, e, y % w.m, x / w.m, y / w.m, n); }),
            {InsideTail(co, Extent(c.co), c.co % whole_channels != 0),
             InsideTail(x, Extent(c.ow()), c.ow() % w.m != 0),
             InsideTail(y, Extent(c.oh()), c.oh() % (w.m * w.rows) != 0), n});

  // Output: tile by tile. A task is some rows of tiles, which then share the whole transformed
  // filter; or one panel of channels over all tiles, which has its own part of the filter in its
  // own cache.
  Var xi("xi"), yi("yi"), ct("ct"), cr("cr"), rows("rows"), fused("fused");
  out.bound(co, 0, Extent(c.co)).bound(x, 0, Extent(c.ow())).bound(y, 0, Extent(c.oh()));
  out.split(x, px, xi, w.m, TailStrategy::GuardWithIf);
  out.split(y, py, yi, w.m, TailStrategy::GuardWithIf);
  out.split(py, rows, py, w.rows, TailStrategy::GuardWithIf);
  if (panels_outer) {
    out.split(co, ct, cr, t.cols(), TailStrategy::GuardWithIf);
    out.split(cr, cu, cv, t.vec, TailStrategy::GuardWithIf).vectorize(cv);
    out.reorder({cv, xi, yi, cu, px, py, rows, n, ct}).parallel(ct);
  } else {
    out.split(co, cu, cv, t.vec, TailStrategy::GuardWithIf).vectorize(cv);
    out.reorder({cv, xi, yi, cu, px, py, rows, n}).fuse(rows, n, fused).parallel(fused);
  }
  const Halide::LoopLevel block(out, panels_outer ? rows : fused);
  out.unroll(xi).unroll(yi);
  output_rows.compute_at(out, cu).bound_extent(co, t.vec);
  output_rows.vectorize(co).unroll(ex).unroll(oy).reorder(co, oy, ex);

  // Products: position by position, so that a panel of the filter stays in L1 over all tiles of a
  // task.
  Var pxt("pxt"), pxr("pxr"), pyt("pyt"), pyr("pyr");
  product.compute_at(block).align_bounds(co, t.cols()).reorder_storage(co, ex, ey, px, py, n);
  product.split(co, ct, cr, t.cols()).split(cr, cu, cv, t.vec).vectorize(cv).unroll(cu);
  product.split(px, pxt, pxr, t.reg_m).split(py, pyt, pyr, w.reg_y).unroll(pxr).unroll(pyr);
  product.reorder({cv, cu, pxr, pyr, pxt, pyt, ct, ex, ey, n});
  acc.compute_at(product, pxt).bound_extent(co, t.cols());
  acc.bound_extent(px, t.reg_m).bound_extent(py, w.reg_y);
  acc.split(co, cu, cv, t.vec).vectorize(cv).unroll(cu).unroll(px).unroll(py);
  auto update = acc.update();
  update.split(co, cu, cv, t.vec).reorder({cv, cu, px, py, r.x});
  update.vectorize(cv).unroll(cu).unroll(px).unroll(py);
  if (t.unroll_k > 1) update.unroll(r.x, t.unroll_k);

  // Input: transformed once, a vector of channels at a time.
  Var cio("cio"), civ("civ");
  if (panels_outer) {
    input.compute_root().parallel(py);
  } else {
    input.compute_at(block);
  }
  // The positions of a tile side by side: they are written together, and a stride of all tiles
  // between them is often a power of two, so that they would fall into one set of the cache.
  input.reorder_storage(ci, ex, ey, px, py, n);
  input.split(ci, cio, civ, t.vec, TailStrategy::RoundUp).vectorize(civ);
  input.reorder({civ, ex, ey, cio, px, py, n}).unroll(ex).unroll(ey);
  input_rows.compute_at(input, cio).bound_extent(ci, t.vec).vectorize(ci);
  input_rows.unroll(dx).unroll(ey);

  if (!c.weights_ahead) {
    if (panels_outer) {
      filter.compute_at(out, ct);
    } else {
      filter.compute_root();
    }
  }

  BindDense(out, out_shape);
  lowered.output = out;
  return lowered;
}

}  // namespace halyard
