#include "schedules/blocked_matmul.h"

#include <algorithm>

#include "fmt/format.h"
#include "schedules/epilogue.h"
#include "schedules/knob_sets.h"

namespace halyard {

using Halide::Expr;
using Halide::Func;
using Halide::RDom;
using Halide::TailStrategy;
using Halide::Var;

namespace {

constexpr int64_t kFewRows = 32;
// A part of K that is worth a task of its own; as many partial results as are added up quickly.
constexpr int64_t kShortestSplit = 64;
constexpr int64_t kMostSplitOutput = 1 << 18;

}  // namespace

std::vector<Knob> MatmulKnobs(const MatmulSizes& sizes, const Device& device, bool b_ahead) {
  std::vector<int64_t> k_blocks = {0};  // 0: the whole depth
  for (int64_t k : {8, 16, 32, 64, 128, 192, 256, 384, 512, 1024}) {
    // Short blocks stream through rows of B, which pays where there are few rows of A to use them.
    if (k < 64 && sizes.rows > kFewRows) continue;
    if (k < sizes.depth && sizes.depth % k == 0) k_blocks.push_back(k);
  }
  if (sizes.taps > 1 && sizes.depth >= 64 && sizes.depth <= 1024) {
    k_blocks.push_back(sizes.depth);
    std::sort(k_blocks.begin(), k_blocks.end());
  }
  std::vector<int64_t> k_splits = {1};
  for (int64_t parts : {2, 4, 8, 16}) {
    if (sizes.taps == 1 && sizes.depth % parts == 0 && sizes.depth / parts >= kShortestSplit &&
        sizes.batch * sizes.rows * sizes.cols * parts <= kMostSplitOutput) {
      k_splits.push_back(parts);
    }
  }
  const std::vector<int64_t> widths = VectorWidths(device);
  const int64_t col_vectors = RoundUp(sizes.cols, widths.front()) / widths.front();
  return {
      Knob::Sizes("vec", widths),
      Knob::Sizes("reg_m", UpTo({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, sizes.rows)),
      Knob::Sizes("reg_n", UpTo({1, 2, 3, 4, 5, 6, 8}, col_vectors)),
      Knob::Sizes("tile_m", UpTo({1, 2, 4, 6, 8, 12, 16, 24, 32, 64}, sizes.rows)),
      Knob::Sizes("tile_n", UpTo({1, 2, 3, 4, 6, 8, 16, 32, 64}, col_vectors)),
      Knob::Sizes("k_block", k_blocks),
      Knob::Sizes("k_split", k_splits),
      Knob::Sizes("unroll_k", UpTo({1, 2, 4, 8}, sizes.depth)),
      Knob::Choice("order", {"m_outer", "n_outer"}),
      Knob::Choice("inner", {"n_outer", "m_outer"}),
      Knob::Choice("pack_a", {"none", "tile", "root"}),
      b_ahead ? Knob::Choice("pack_b", {"ahead"})
              : Knob::Choice("pack_b", {"none", "tile", "root"}),
      ParallelKnob(device, "serial", {"outer", "both"}),
      Knob::Choice("tail", {"pad", "shift"}),
  };
}

MatmulTile ReadMatmulTile(const ConfigView& view) {
  auto read = [&](const char* name) { return static_cast<int>(view[name]); };
  return {read("vec"),    read("reg_m"),   read("reg_n"),   read("tile_m"),
          read("tile_n"), read("k_block"), read("k_split"), read("unroll_k")};
}

void CanonicaliseMatmul(const MatmulSizes& sizes, const ConfigView& view,
                        const std::vector<Knob>& knobs, Config& config) {
  const MatmulTile t = ReadMatmulTile(view);
  // Panels and K-blocked accumulators are aligned to register tiles; a shifted last tile is not.
  if (!view.is("pack_b", "none") || t.k_block != 0) ResetKnob(knobs, "tail", config);
  // Where the register tile divides both sizes there is no tail to treat.
  if (sizes.rows % t.reg_m == 0 && sizes.cols % t.cols() == 0) ResetKnob(knobs, "tail", config);
  // One register tile in a cache tile has one sweep order.
  if (t.tile_m == 1 || t.tile_n == 1) ResetKnob(knobs, "inner", config);
}

std::string WhyMatmulInvalid(const MatmulSizes& sizes, const Device& device,
                             const ConfigView& view) {
  const MatmulTile t = ReadMatmulTile(view);
  // Accumulators, one row of B and one broadcast of A; x86 FMAs broadcast from memory.
  const int native = std::max(1, t.vec / device.lanes_f32());
  const int live =
      (t.reg_m * t.reg_n + 1) * native + (device.triplet.starts_with("x86") ? 0 : t.reg_n);
  if (live > device.vector_registers) {
    return fmt::format("register tile {}x{} needs {} vector registers of {}", t.reg_m, t.reg_n,
                       live, device.vector_registers);
  }
  const int64_t cols = t.cols();
  if (cols >= 2 * RoundUp(sizes.cols, t.vec) && t.reg_n > 1) return "register tile wider than N";
  if (t.reg_m * (t.tile_m - 1) >= sizes.rows) return "cache tile taller than M";
  if (cols * (t.tile_n - 1) >= sizes.cols) return "cache tile wider than N";
  if (view.is("tail", "shift") && (sizes.rows < t.reg_m || sizes.cols < cols)) {
    return "a shifted tail needs the matrix to hold one register tile";
  }
  // A K-blocked cache tile is computed whole, the part past the edge included.
  const int64_t whole_cols = t.k_block != 0 ? cols * t.tile_n : cols;
  if (view.is("tail", "pad") && view.is("pack_b", "none") && sizes.cols % whole_cols != 0) {
    return "a padded tail in N needs B packed";
  }
  const int64_t part = sizes.depth / t.k_split;
  if (t.k_split > 1 && sizes.cols < t.vec) return "a split of K adds up whole vectors of N";
  if (t.k_block != 0 && part % t.k_block != 0) return "k_block does not divide a split of K";
  if (t.k_split > 1 && t.k_block == part) return "a split of K is a single block";
  const int64_t depth = t.k_block != 0 ? t.k_block : part * sizes.taps;
  if (t.unroll_k > (t.k_block != 0 ? t.k_block : part)) return "unrolls K beyond its extent";
  if (t.unroll_k * t.reg_m * t.reg_n * native > 256)
    return "unrolled body larger than the micro-op cache";
  const int64_t last = device.last_level_bytes();
  const int64_t l2 = device.level2_bytes();
  const int64_t rows_tile = static_cast<int64_t>(t.reg_m) * t.tile_m;
  const int64_t cols_tile = cols * t.tile_n;
  if (view.is("pack_a", "tile") && 4 * rows_tile * depth > 2 * l2) return "packed A tile beyond L2";
  if (view.is("pack_b", "tile") && 4 * cols_tile * depth > std::max(2 * l2, last / 2)) {
    return "packed B tile beyond the caches";
  }
  if (t.k_block != 0 && 4 * rows_tile * cols_tile > l2)
    return "K-blocked accumulator tile beyond L2";
  const bool two_loops = view.is("parallel", "both");
  if (two_loops && t.k_block == 0 && t.k_split == 1 && sizes.batch == 1 &&
      rows_tile >= sizes.rows && cols_tile >= sizes.cols) {
    return "parallel over a single tile";
  }
  return "";
}

void SetSafeMatmul(const Device& device, SpaceDefinition& def) {
  const std::vector<Knob>& knobs = def.knobs;
  Config& config = def.safe;
  config.assign(knobs.size(), 0);
  SetKnob(knobs, "reg_m", 4, config);  // falls to the largest the matrix holds
  SetKnob(knobs, "reg_n", 1, config);
  const auto pack_b = std::find_if(knobs.begin(), knobs.end(),
                                   [](const Knob& knob) { return knob.name == "pack_b"; });
  if (device.has_os()) SetLabel(knobs, "parallel", "outer", config);
  if (pack_b->labels.size() == 1) return;
  // A copy of B may not fit beside B where memory is small; it is done without where a tail can be.
  for (const char* tail : {"pad", "shift"}) {
    SetLabel(knobs, "tail", tail, config);
    if (!device.has_os() && def.why_invalid(ConfigView(knobs, config)).empty()) return;
  }
  SetLabel(knobs, "tail", "pad", config);
  SetLabel(knobs, "pack_b", "root", config);
}

namespace {

// The micro-kernel. On AVX-512 a tile of 6 rows x 4 vectors takes 24 accumulators, 4 vectors of B
// and a broadcast of A: 29 of 32 registers. Each k is 24 FMAs, 12 cycles of two ports, 4 loads and
// 6 broadcasts, 5 cycles of two load ports: 2.4 FMAs a load. It reads 256 bytes of B, 21 a cycle
// where a panel streams from L2, and 24 of A. FMAs bound it, on paper. Measured on two cores of a
// server (a virtual machine): FMAs on registers alone 238 GFLOP/s a core, the same loop with these
// ten loads 205 to 208, from L1 and, unrolled twice, from L2 too (195 if not unrolled);
// 1024x1024x1024 runs at 195 to 200. So the loads cost more than their ports say, and K-blocks that
// keep B in L1 bring little.
// On Cortex-A72, 8 x 2 vectors of 4: 16 accumulators, 2 of B, 2 of A, 16 FMAs of one cycle each.
//
// The product at one register tile: an accumulator Func computed in registers over [0, depth) of
// the reduction `r`, k and then, unless in K-blocks, taps, starting at `first`.
void ScheduleRegisterTile(Func acc, const RDom& r, const MatmulTile& t, Var n, Var m) {
  Var nv("nv"), nu("nu");
  acc.bound_extent(n, t.cols()).bound_extent(m, t.reg_m);
  acc.split(n, nu, nv, t.vec).vectorize(nv).unroll(nu).unroll(m);
  auto update = acc.update();
  std::vector<Halide::VarOrRVar> loops = {nv, nu, m, r.x};
  if (r.dimensions() > 1) loops.emplace_back(r.y);
  update.split(n, nu, nv, t.vec).reorder(loops).vectorize(nv).unroll(nu).unroll(m);
  if (t.unroll_k > 1) update.unroll(r.x, t.unroll_k);
}

// Runs `loop` and the loops around it, innermost first, in parallel as one; returns that one.
Var ParallelOver(Func f, Var loop, const std::vector<Var>& around) {
  for (const Var& outer : around) {
    Var both(loop.name() + "_" + outer.name());
    f.fuse(loop, outer, both);
    loop = both;
  }
  f.parallel(loop);
  return loop;
}

// Whether `extent` is known to be whole tiles.
bool Divides(int tile, const Expr& extent) {
  const int64_t* known = Halide::Internal::as_const_int(extent);
  return known != nullptr && *known % tile == 0;
}

}  // namespace

BufferSpec PanelShape(const MatmulSizes& sizes, const ConfigView& view, bool batched) {
  const int cols = ReadMatmulTile(view).cols();
  BufferSpec shape{{RoundUp(sizes.cols, cols) / cols, sizes.taps, sizes.depth, cols}};
  if (batched) shape.extents.insert(shape.extents.begin(), sizes.batch);
  return shape;
}

Func ScheduleMatmul(const std::string& name, Func a, Func b, const MatmulExtents& e,
                    const ConfigView& view, const MatmulHooks& hooks) {
  const MatmulTile t = ReadMatmulTile(view);
  Var n("n"), m("m"), k("k"), tap("tap"), kb("kb"), product("product");
  const bool batched = e.batch.defined();
  const auto of_product = [&](auto indices) {
    if (batched) indices.push_back(product);
    return indices;
  };
  using Vars = std::vector<Var>;
  using Exprs = std::vector<Expr>;
  const bool pad = view.is("tail", "pad");
  const bool pack_a = !view.is("pack_a", "none"), pack_b = !view.is("pack_b", "none");
  const bool b_ahead = view.is("pack_b", "ahead");

  // Rows and columns past the edge are computed on clamped operands and never stored.
  Func a_rows(name + "_a"), panels(name + "_b_panels");
  Var within("within"), panel("panel");
  a_rows(of_product(Vars{k, tap, m})) =
      a(of_product(Exprs{k, tap, pad ? Halide::min(Halide::likely(m), e.rows - 1) : Expr(m)}));
  // [column panel][tap][k][column in panel]: the register tile reads B as one stream.
  const Expr column = panel * t.cols() + within;
  panels(of_product(Vars{within, k, tap, panel})) =
      b(of_product(Exprs{Halide::min(Halide::likely(column), e.cols - 1), k, tap}));
  if (pack_b) {
    panels.bound_extent(within, t.cols()).vectorize(within, t.vec).unroll(within);
    if (!view.is("pack_b", "tile")) ParallelOver(panels, panel, of_product(Vars{}));
  }
  Halide::ImageParam stored;
  if (b_ahead) stored = hooks.ahead(panels);
  // Cache tiles past the last panel are asked for, though never computed.
  const Expr last_panel = (e.cols + t.cols() - 1) / t.cols() - 1;
  auto b_at = [&](Expr n, Expr k, Expr tap) -> Expr {
    if (!pack_b) return b(of_product(Exprs{n, k, tap}));
    const Expr at = n / t.cols();
    if (!b_ahead) return panels(of_product(Exprs{n % t.cols(), k, tap, at}));
    return stored(
        of_product(Exprs{n % t.cols(), k, tap, Halide::min(Halide::likely(at), last_panel)}));
  };

  // `tiled` is the output, or with K in several parts the product of each part s.
  Var s("s");
  const bool split = t.k_split > 1;
  auto with_part = [&](auto indices) {
    indices = of_product(std::move(indices));
    if (split) indices.push_back(s);
    return indices;
  };
  Func acc(name + "_acc"), out(name), partial(name + "_partial");
  Func tiled = split ? Func(name + "_part") : out;
  const Expr part = e.depth / t.k_split, first = split ? s * part : Expr(0);
  RDom r(0, part, 0, e.taps, name + "_k");
  RDom blocks(0, t.k_block == 0 ? Expr(1) : part / t.k_block, 0, e.taps, name + "_blocks");
  RDom rk(0, std::max(t.k_block, 1), name + "_in_block");
  acc(with_part(Vars{n, m})) = 0.0f;
  if (t.k_block == 0) {
    acc(with_part(Vars{n, m})) +=
        a_rows(of_product(Exprs{first + r.x, r.y, m})) * b_at(n, first + r.x, r.y);
  } else {
    const Expr at = first + kb * t.k_block + rk;
    partial(with_part(Vars{n, m, kb, tap})) = 0.0f;
    partial(with_part(Vars{n, m, kb, tap})) +=
        a_rows(of_product(Exprs{at, tap, m})) * b_at(n, at, tap);
    acc(with_part(Vars{n, m})) += partial(with_part(Exprs{n, m, blocks.x, blocks.y}));
  }
  if (split || !hooks.stored) {
    tiled(with_part(Vars{n, m})) = acc(with_part(Exprs{n, m}));
  } else {
    // A padded tail, and a last cache tile, ask for what lies past the edge.
    const bool past_n = pad && !Divides(t.cols() * t.tile_n, e.cols);
    const bool past_m = pad && !Divides(t.reg_m * t.tile_m, e.rows);
    tiled(of_product(Vars{n, m})) = hooks.stored(
        acc(of_product(Exprs{n, m})),
        of_product(Exprs{InsideTail(n, e.cols, past_n), InsideTail(m, e.rows, past_m)}));
  }
  if (split) {
    const auto in_part = [&](int i) {
      Exprs at = of_product(Exprs{n, m});
      at.push_back(i);
      return tiled(at);
    };
    Expr sum = in_part(0);
    for (int i = 1; i < t.k_split; i++) sum += in_part(i);
    out(of_product(Vars{n, m})) = hooks.stored ? hooks.stored(sum, of_product(Exprs{n, m})) : sum;
    // WhyMatmulInvalid: N holds a vector.
    out.vectorize(n, t.vec, TailStrategy::ShiftInwards);
    tiled.compute_root().bound(s, 0, t.k_split);
  }

  // Register tiles first, then cache tiles counted in whole register tiles, so that the only ragged
  // split is the register tile's and the loop over tiles stops exactly at the edge.
  Var nt("nt"), nr("nr"), mt("mt"), mr("mr"), nu("nu"), no("no"), mo("mo"), nv("nv"), task("task");
  const TailStrategy tail = pad ? TailStrategy::GuardWithIf : TailStrategy::ShiftInwards;
  const bool m_outer = view.is("order", "m_outer");
  const bool inner_n_outer = view.is("inner", "n_outer");
  auto tile = [&](auto stage, bool ragged) {
    const TailStrategy edge = ragged ? tail : TailStrategy::RoundUp;
    stage.split(n, nt, nr, t.cols(), edge).split(m, mt, mr, t.reg_m, edge);
    stage.split(nr, nu, nv, t.vec).vectorize(nv).unroll(nu).unroll(mr);
  };
  tile(tiled, true);
  tiled.split(nt, no, nt, t.tile_n, TailStrategy::GuardWithIf);
  tiled.split(mt, mo, mt, t.tile_m, TailStrategy::GuardWithIf);
  const Var cache_outer = m_outer ? mo : no, cache_inner = m_outer ? no : mo;
  if (inner_n_outer) {
    tiled.reorder(nv, nu, mr, mt, nt, cache_inner, cache_outer);
  } else {
    tiled.reorder(nv, nu, mr, nt, mt, cache_inner, cache_outer);
  }
  Var at_outer = cache_outer, at_inner = cache_inner;
  // Products of a batch and parts of K are always run in parallel, "serial" is within one.
  const Vars whole_products = with_part(Vars{});
  if (view.is("parallel", "both")) {
    tiled.fuse(cache_inner, cache_outer, task);
    at_outer = at_inner = ParallelOver(tiled, task, whole_products);
  } else if (view.is("parallel", "outer")) {
    at_outer = ParallelOver(tiled, cache_outer, whole_products);
  } else if (!whole_products.empty()) {
    ParallelOver(tiled, whole_products.front(), {whole_products.begin() + 1, whole_products.end()});
  }

  Halide::LoopLevel operand_a(tiled, m_outer ? at_outer : at_inner);
  Halide::LoopLevel operand_b(tiled, m_outer ? at_inner : at_outer);
  const Var sweep = inner_n_outer ? mt : nt;
  if (t.k_block == 0) {
    acc.compute_at(tiled, sweep);
    ScheduleRegisterTile(acc, r, t, n, m);
  } else {
    acc.compute_at(tiled, at_inner);
    // The tile of accumulators is rounded up to whole register tiles.
    acc.align_bounds(n, t.cols()).align_bounds(m, t.reg_m);
    acc.split(n, nt, nr, t.cols()).split(nr, nu, nv, t.vec).vectorize(nv).unroll(nu);
    auto update = acc.update();
    tile(update, false);
    if (inner_n_outer) {
      update.reorder({nv, nu, mr, mt, nt, blocks.x, blocks.y});
    } else {
      update.reorder({nv, nu, mr, nt, mt, blocks.x, blocks.y});
    }
    partial.compute_at(acc, sweep);
    ScheduleRegisterTile(partial, rk, t, n, m);
    operand_a = Halide::LoopLevel(acc, blocks.x);
    operand_b = Halide::LoopLevel(acc, blocks.x);
  }

  if (!pack_a && hooks.a_rows_at.defined()) Func(hooks.a_rows_at).compute_at(operand_a);
  if (pack_a) {
    if (view.is("pack_a", "root")) {
      Var rows("rows"), row("row");
      a_rows.compute_root().split(m, rows, row, 16, TailStrategy::GuardWithIf);
      ParallelOver(a_rows, rows, of_product(Vars{}));
    } else {
      a_rows.compute_at(operand_a);
    }
    a_rows.vectorize(k, t.vec, TailStrategy::GuardWithIf);
  }
  if (view.is("pack_b", "root")) panels.compute_root();
  if (view.is("pack_b", "tile")) panels.compute_at(operand_b);
  return out;
}

}  // namespace halyard
