// Columns of a convolution's direct and Winograd forms (schedules/conv_schedule.h, winograd.h).

#include <algorithm>

#include "cost_model/product_features.h"

namespace halyard {
namespace {

constexpr std::array<bool, kOperands> kAlongPixels = {true, false, true},
                                      kAlongChannels = {false, true, true};

// Micro-ops of the transforms of F(m x m, 3x3), a tile and a vector of channels: loads, additions
// and FMAs, stores. m = 4 as counted in winograd.cpp; m = 2 counted alike from its matrices.
double InputTransformOps(double m) { return m == 4 ? 36 + 192 + 36 : 16 + 32 + 16; }
double OutputTransformOps(double m) { return m == 4 ? 36 + 140 + 16 : 16 + 24 + 4; }

}  // namespace

void WriteDirect(const ProductTask& task, const KnobValues& v, FeatureRow& row) {
  const ProductShape& s = task.shape;
  const Machine& m = task.machine;
  row.applies |= kDirect;
  row.Set(kConvInput, v[kInput]);
  row.Set(kConvRows, Log2(v[kRowsKnob]));
  const double cols_reg = v[kVec] * v[kRegN], reg_m = v[kRegM], rows = v[kRowsKnob];
  const double row_tiles = Trips(s.row_pixels, reg_m), panels = Trips(s.cols, cols_reg);
  const double row_tasks = s.images * Trips(s.out_rows, rows);
  const double in_rows = (rows - 1) * s.stride + s.kernel_rows;
  const bool n_outer = v[kOrder] == 1;
  row.Set(kConvHalo, Log2(in_rows / (rows * s.stride)));
  row.Set(kWasteRegM, Log2(row_tiles * reg_m / s.row_pixels));
  row.Set(kWasteRegN, Log2(panels * cols_reg / s.cols));
  row.Set(kWasteTileM, Log2(RoundedUp(s.out_rows, rows) / s.out_rows));
  row.Set(kWasteTileN, Log2(panels * cols_reg / s.cols));
  row.Set(kTripsM, Log2(row_tasks));
  row.Set(kTripsN, Log2(panels * s.products));

  RegisterTile tile{reg_m, v[kRegN], m.Native(v[kVec]), v[kUnrollK]};
  tile.elementwise = s.depthwise;
  const double steps = s.depth * s.taps;
  double step_cycles = tile.CyclesPerStep(m);
  if (s.depthwise && v[kUnrollK] > 1) {
    // All taps unrolled: pixels of a row share their inputs.
    tile.unroll = s.taps;
    const double inputs = ((reg_m - 1) * s.stride + s.kernel_cols) * s.kernel_rows;
    const double loads = (std::min(inputs, reg_m * s.taps) + s.taps) * v[kRegN] * tile.native;
    step_cycles = std::max(tile.fmas() / m.fma_per_cycle, loads / s.taps / m.loads_per_cycle);
  }
  WriteRegisterTile(tile, v[kVec], steps, m, row);
  const double runs = s.images * s.out_rows * row_tiles * panels * s.products;
  Estimate e;
  // Rows of taps are entered anew.
  const double entries = s.depthwise && v[kUnrollK] > 1 ? 1 : s.taps;
  e.compute = runs * (steps * step_cycles + tile.CyclesPerTile(m) + 4 * entries);
  e.flops_computed = 2 * runs * steps * reg_m * cols_reg;
  e.other = StoreCycles(task, v[kVec]);

  // What a register tile reads of the input: its pixels under the kernel.
  const double tile_channels = s.depthwise ? cols_reg : s.depth;
  const double pixels = (reg_m - 1) * s.stride + s.kernel_cols;
  const double fresh = std::min(pixels, reg_m * s.stride);
  ProductNest p{LoopNest({kFloatBytes * fresh * s.kernel_rows * tile_channels,
                          kFloatBytes * steps * cols_reg, kFloatBytes * reg_m * cols_reg})};
  const double lanes_stride = s.depthwise ? s.cols : s.cols * s.products;
  p.a_stride = kFloatBytes * s.stride * s.in_channels;
  p.a_rows = reg_m;
  p.b_stride = kFloatBytes * (v[kPackB] > 0 ? cols_reg : lanes_stride);
  p.b_steps = v[kPackB] > 0 ? 1 : steps;
  p.b_row_bytes = kFloatBytes * cols_reg;
  const std::array<bool, kOperands> along_panels =
      s.depthwise ? std::array<bool, kOperands>{true, true, true} : kAlongChannels;
  // Rows of a task share those of the input that their kernels overlap in.
  const double shared_rows = rows * in_rows / (rows * s.kernel_rows);
  if (n_outer) {
    p.nest.Around(row_tiles, kAlongPixels);
    p.nest.Around(std::max(1.0, shared_rows), kAlongPixels);
    p.nest.Around(row_tasks, kAlongPixels);
    p.nest.Around(panels, along_panels);
  } else {
    p.nest.Around(v[kInner] == 0 ? row_tiles : panels,
                  v[kInner] == 0 ? kAlongPixels : along_panels);
    p.nest.Around(v[kInner] == 0 ? panels : row_tiles,
                  v[kInner] == 0 ? along_panels : kAlongPixels);
    p.nest.Around(std::max(1.0, shared_rows), kAlongPixels);
    p.nest.Around(row_tasks, kAlongPixels);
  }
  WriteNest(p, task, s.products, e, row);

  e.tasks.parallel = v[kParallel] > 0;
  const double channel_tasks = panels * s.products;
  e.tasks.count = !e.tasks.parallel              ? 1
                  : n_outer && v[kParallel] == 2 ? row_tasks * channel_tasks
                  : n_outer                      ? channel_tasks
                                                 : row_tasks;
  if (!n_outer && s.images == 1 && e.tasks.parallel) {
    e.tasks.last = (s.out_rows - (row_tasks - 1) * rows) / rows;
  }

  // The padded copy of the input: a task's rows, or all of it once.
  const double in_vectors = s.in_pixels * Trips(s.in_channels, v[kVec]) * m.Native(v[kVec]);
  double a_times = 0;
  if (v[kInput] == 0) {
    const double copies = n_outer ? channel_tasks : 1;
    const double all_rows =
        n_outer && v[kParallel] != 2 ? s.images * s.in_rows : row_tasks * in_rows;
    // Of a depthwise one, a panel's channels only.
    a_times = copies * all_rows / (s.images * s.in_rows) / (s.depthwise && n_outer ? panels : 1);
    e.pack += a_times * s.images * s.in_rows * in_vectors * 2;
  } else if (v[kInput] == 1) {
    a_times = 1;
    e.pack_parallel += s.images * s.in_rows * in_vectors * 2;
    e.regions++;
  }
  if (v[kPackB] == 2) {
    e.pack_parallel += steps * Trips(s.cols, v[kVec]) * m.Native(v[kVec]) * s.products * 2;
    e.regions++;
  }
  row.Set(kPackATimes, Log2(1 + a_times));
  row.Set(kPackBTimes, Log2(v[kPackB] == 2 ? 2 : 1));
  WriteEstimate(e, task.bound, m, row);
}

void WriteWinograd(const ProductTask& task, const KnobValues& v, FeatureRow& row) {
  const ProductShape& s = task.shape;
  const Machine& m = task.machine;
  row.applies |= kWinograd;
  const double side = v[kWinogradKnob], edge = side + 2, positions = edge * edge;
  const double reg_y = v[kRegY], rows = v[kRowsKnob];
  const double cols_reg = v[kVec] * v[kRegN], panels = Trips(s.cols, cols_reg);
  const double tiles_x = Trips(s.row_pixels, side), tiles_y = Trips(s.out_rows, side);
  const double whole_x = RoundedUp(tiles_x, v[kRegM]);
  const double row_tasks = s.images * Trips(tiles_y, rows);
  const double tiles = whole_x * rows * row_tasks;
  const bool n_outer = v[kOrder] == 1;
  row.Set(kWinogradTile, side);
  row.Set(kWinogradRegY, reg_y);
  row.Set(kWinogradRows, Log2(rows));
  row.Set(kWasteRegM, Log2(whole_x * side / s.row_pixels));
  row.Set(kWasteRegN, Log2(panels * cols_reg / s.cols));
  row.Set(kWasteTileM, Log2(Trips(tiles_y, rows) * rows * side / s.out_rows));
  row.Set(kWasteTileN, Log2(panels * cols_reg / s.cols));
  row.Set(kTripsM, Log2(row_tasks));
  row.Set(kTripsN, Log2(panels));

  const double reg_rows = v[kRegM] * reg_y;
  const RegisterTile tile{reg_rows, v[kRegN], m.Native(v[kVec]), v[kUnrollK]};
  WriteRegisterTile(tile, v[kVec], s.depth, m, row);
  const double runs = tiles / reg_rows * panels * positions;
  Estimate e;
  e.compute = runs * (s.depth * tile.CyclesPerStep(m) + tile.CyclesPerTile(m));
  // Each output of a tile's side^2 stands for nine products of the definition.
  e.flops_computed = 2 * runs * s.depth * reg_rows * cols_reg;
  const double native = m.Native(v[kVec]);
  const double in_ops = tiles * Trips(s.depth, v[kVec]) * native * InputTransformOps(side);
  const double out_ops = tiles * Trips(s.cols, v[kVec]) * native * OutputTransformOps(side);
  row.Set(kWinogradTransforms,
          (in_ops + out_ops) / (in_ops + out_ops + runs * s.depth * tile.fmas()));
  e.other = out_ops / m.fma_per_cycle + StoreCycles(task, v[kVec]);
  (n_outer ? e.pack_parallel : e.pack) += in_ops / m.fma_per_cycle;
  const double filter_ops = s.depth * Trips(s.cols, v[kVec]) * native * positions * 2.5;
  if (!s.packed) (n_outer ? e.pack : e.pack_parallel) += filter_ops / m.fma_per_cycle;

  // A register tile's products at one position; then the tiles of a task, panels, positions, tasks.
  ProductNest p{LoopNest({kFloatBytes * reg_rows * s.depth, kFloatBytes * cols_reg * s.depth,
                          kFloatBytes * reg_rows * cols_reg})};
  p.a_stride = kFloatBytes * positions * s.depth;
  p.a_rows = reg_rows;
  p.b_stride = kFloatBytes * cols_reg;
  p.nest.Around(whole_x * rows / reg_rows, kAlongPixels);
  if (!n_outer) p.nest.Around(panels, kAlongChannels);
  p.nest.Around(positions, {true, true, true});
  p.nest.Around(row_tasks, kAlongPixels);
  if (n_outer) p.nest.Around(panels, kAlongChannels);
  WriteNest(p, task, 1, e, row);
  const double block = kFloatBytes * whole_x * rows * positions * (s.depth + panels * cols_reg);
  const double filter =
      kFloatBytes * positions * s.depth * (n_outer ? cols_reg : panels * cols_reg);
  if (m.levels > 1) {
    row.Set(kWinogradFilterL2, Log2(filter / m.bytes[1]));
    row.Set(kWinogradBlockL2, Log2(block / m.bytes[1]));
  }

  e.tasks.count = n_outer ? panels : row_tasks;
  e.regions = 1 + (n_outer ? 1 : 0) + (!s.packed && !n_outer ? 1 : 0);
  row.Set(kPackATimes, Log2(2));
  row.Set(kPackBTimes, Log2(s.packed ? 1 : 2));
  WriteEstimate(e, task.bound, m, row);
}

}  // namespace halyard
