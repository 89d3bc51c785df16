// Columns of the blocked product (schedules/blocked_matmul.h).

#include <algorithm>

#include "cost_model/product_features.h"

namespace halyard {
namespace {

// Cycles of copying an element of A, vectorized along K: a load and a store a vector, and for each
// row and tap an address. A convolution's row is gathered at a computed place and its border
// selected.
double PackACycles(const ProductTask& task, double vec) {
  const ProductShape& s = task.shape;
  const Machine& m = task.machine;
  const bool computed = s.images > 0 && (s.taps > 1 || s.pad > 0 || s.stride > 1);
  const double vectors = Trips(s.depth, vec) * m.Native(vec) * (computed ? 3 : 1.5);
  return (vectors + (computed ? 12 : 3)) * s.rows * s.taps * s.products;
}

// Of B: a row of a panel at a time, its rows N apart.
double PackBCycles(const ProductTask& task, double vec, double reg_n, double b_stride) {
  const ProductShape& s = task.shape;
  const Machine& m = task.machine;
  const double rows = s.depth * s.taps * Trips(s.cols, vec * reg_n);
  // A new page each step costs a walk of the first-level TLB.
  const double page = b_stride >= 4096 ? 7 : 2;
  return rows * (reg_n * m.Native(vec) * 1.5 + page);
}

}  // namespace

void WriteBlocked(const ProductTask& task, const KnobValues& v, FeatureRow& row) {
  const ProductShape& s = task.shape;
  const Machine& m = task.machine;
  row.applies |= kBlocked;
  row.Set(kProductTileM, Log2(v[kTileM]));
  row.Set(kProductTileN, Log2(v[kTileN]));
  row.Set(kProductKSplit, Log2(v[kKSplit]));
  row.Set(kProductPackA, v[kPackA]);

  const double cols_reg = v[kVec] * v[kRegN], reg_m = v[kRegM];
  const bool blocked = v[kKBlock] > 0, n_outer = v[kOrder] == 1;
  const double part = s.depth / std::max(1.0, v[kKSplit]);
  const double steps = blocked ? v[kKBlock] : part * s.taps;
  const double k_blocks = blocked ? part / v[kKBlock] * s.taps : 1;
  const double tiles_m = Trips(s.rows, reg_m), tiles_n = Trips(s.cols, cols_reg);
  const double trips_m = Trips(tiles_m, v[kTileM]), trips_n = Trips(tiles_n, v[kTileN]);
  const double sweep_m = std::min(v[kTileM], tiles_m), sweep_n = std::min(v[kTileN], tiles_n);
  row.Set(kProductKBlock, blocked ? Log2(v[kKBlock] / s.depth) : 0);
  row.Set(kWasteRegM, Log2(tiles_m * reg_m / s.rows));
  row.Set(kWasteRegN, Log2(tiles_n * cols_reg / s.cols));
  row.Set(kWasteTileM, Log2(trips_m * v[kTileM] * reg_m / s.rows));
  row.Set(kWasteTileN, Log2(trips_n * v[kTileN] * cols_reg / s.cols));
  row.Set(kTripsM, Log2(trips_m));
  row.Set(kTripsN, Log2(trips_n));

  RegisterTile tile{reg_m, v[kRegN], m.Native(v[kVec]), v[kUnrollK]};
  // Fields read in place have the border's zeros selected, one element of A at a time.
  if (s.images > 0 && s.pad > 0 && v[kPackA] == 0) tile.port_ops = reg_m;
  WriteRegisterTile(tile, v[kVec], steps, m, row);

  // A K-blocked cache tile is computed whole, the part past the edge included.
  const double tiles = blocked ? trips_m * v[kTileM] * trips_n * v[kTileN] : tiles_m * tiles_n;
  const double runs = tiles * std::max(1.0, v[kKSplit]) * k_blocks * s.products;
  Estimate e;
  // A K-block's results are added to those in memory: a load, an addition and a store each.
  e.compute = runs * (steps * tile.CyclesPerStep(m) + tile.CyclesPerTile(m) * (blocked ? 2 : 1));
  e.flops_computed = 2 * runs * steps * reg_m * cols_reg;
  e.other = StoreCycles(task, v[kVec]);

  ProductNest p{LoopNest({kFloatBytes * reg_m * steps, kFloatBytes * cols_reg * steps,
                          kFloatBytes * reg_m * cols_reg})};
  const bool pack_a = v[kPackA] > 0, pack_b = v[kPackB] > 0;
  p.a_stride = kFloatBytes * (v[kPackA] == 1            ? (blocked ? steps : part)
                              : s.images > 0 && !pack_a ? s.stride * s.in_channels
                                                        : s.depth * (pack_a ? s.taps : 1));
  p.b_stride = kFloatBytes * (pack_b ? cols_reg : s.cols);
  p.a_rows = reg_m;
  p.b_row_bytes = kFloatBytes * cols_reg;
  p.b_steps = pack_b ? 1 : steps;
  constexpr std::array<bool, kOperands> kAlongM = {true, false, true},
                                        kAlongN = {false, true, true},
                                        kAlongK = {true, true, false};
  if (v[kInner] == 1) {
    p.nest.Around(sweep_n, kAlongN);
    p.nest.Around(sweep_m, kAlongM);
  } else {
    p.nest.Around(sweep_m, kAlongM);
    p.nest.Around(sweep_n, kAlongN);
  }
  if (blocked) p.nest.Around(k_blocks, kAlongK);
  p.nest.Around(n_outer ? trips_m : trips_n, n_outer ? kAlongM : kAlongN);
  p.nest.Around(n_outer ? trips_n : trips_m, n_outer ? kAlongN : kAlongM);
  WriteNest(p, task, std::max(1.0, v[kKSplit]) * s.products, e, row);

  // How often each operand is copied: packed a tile, once for each turn of the loops around that
  // place.
  const bool together = v[kParallel] == 2 || blocked;
  const double a_times = v[kPackA] == 1 ? (n_outer || together ? trips_n : 1) : pack_a ? 1 : 0;
  const double b_times = v[kPackB] == 1   ? (!n_outer || together ? trips_m : 1)
                         : v[kPackB] == 2 ? 1
                                          : 0;
  row.Set(kPackATimes, Log2(1 + a_times));
  row.Set(kPackBTimes, Log2(1 + b_times));
  const double a_cycles = a_times * PackACycles(task, v[kVec]);
  const double b_cycles =
      b_times * PackBCycles(task, v[kVec], v[kRegN], kFloatBytes * s.cols) * s.products;
  (v[kPackA] == 2 ? e.pack_parallel : e.pack) += a_cycles;
  (v[kPackB] == 2 ? e.pack_parallel : e.pack) += b_cycles;
  e.regions += (v[kPackA] == 2) + (v[kPackB] == 2);

  const double outer = n_outer ? trips_n : trips_m;
  const double ragged_m = tiles_m - (trips_m - 1) * v[kTileM], full = v[kTileM];
  const double ragged_n = tiles_n - (trips_n - 1) * v[kTileN];
  e.tasks.count = v[kParallel] == 2 ? trips_m * trips_n : v[kParallel] == 1 ? outer : 1;
  if (!blocked) {
    const double last_m = ragged_m / full, last_n = ragged_n / v[kTileN];
    e.tasks.last = v[kParallel] == 2 ? last_m * last_n : n_outer ? last_n : last_m;
  }
  if (v[kParallel] == 0) e.tasks.last = 1;
  // Products of a batch and parts of K always run in parallel.
  e.tasks.parallel = v[kParallel] > 0 || v[kKSplit] > 1 || s.products > 1;
  e.tasks.count *= v[kKSplit] * s.products;
  // One thread adds the parts up.
  if (v[kKSplit] > 1) e.serial = s.products * s.rows * s.cols * (v[kKSplit] + 1) / v[kVec];
  WriteEstimate(e, task.bound, m, row);
}

}  // namespace halyard
