// Loop features of a blocked product.

#include "cost_model/loop_features.h"
#include "cost_model/loop_math.h"
#include "fmt/format.h"

namespace halyard {

void LoopFeatures::AddProduct(const Device& device) {
  const Extents e = extents_;
  const double lanes = device.lanes_f32(), registers = device.vector_registers;
  Add("accumulators", {"vec", "reg_m", "reg_n"}, [lanes, registers](const LoopValues& v) {
    return v.reg_m * v.reg_n * std::max(1.0, v.vec / lanes) / registers;
  });
  Add("fma_per_load", {"reg_m", "reg_n"},
      [](const LoopValues& v) { return FmaPerLoad(v.reg_m, v.reg_n); });
  Add("unrolled_fmas", {"reg_m", "reg_n", "unroll_k"},
      [](const LoopValues& v) { return std::log2(std::max(1.0, v.reg_m * v.reg_n * v.unroll_k)); });
  Add("waste.m.reg", {"reg_m"}, [e](const LoopValues& v) {
    return Waste(v.direct != 0 ? e.row_pixels : e.rows, v.reg_m * v.unit);
  });
  Add("waste.m.tile", {"reg_m", "tile_m"}, [e](const LoopValues& v) {
    return v.direct != 0 ? Waste(e.image_rows, v.rows * v.unit) : Waste(e.rows, v.rows_tile);
  });
  Add("waste.n.reg", {"vec", "reg_n"},
      [e](const LoopValues& v) { return Waste(e.cols, v.cols_reg); });
  Add("waste.n.tile", {"vec", "reg_n", "tile_n"},
      [e](const LoopValues& v) { return Waste(e.cols, v.cols_tile); });
  Add("waste.k.block", {"k_block"}, [e](const LoopValues& v) { return Waste(e.depth, v.k_depth); });
  Add("waste.k.unroll", {"unroll_k"},
      [e](const LoopValues& v) { return Waste(e.depth, v.unroll_k); });
  AddProductTile(device);
  AddProductTasks(device);
}

void LoopFeatures::AddProductTile(const Device& device) {
  const auto tiled = {"vec", "reg_m", "reg_n", "tile_m", "tile_n"};
  auto a = [](const LoopValues& v) { return kFloatBytes * v.rows_tile * v.k_depth; };
  auto b = [](const LoopValues& v) { return kFloatBytes * v.cols_tile * v.k_depth; };
  auto c = [](const LoopValues& v) { return kFloatBytes * v.rows_tile * v.cols_tile; };
  Add("reuse", tiled, [a, b, c](const LoopValues& v) {
    return Log2Ratio(2 * v.rows_tile * v.cols_tile * v.k_depth, a(v) + b(v) + c(v));
  });
  for (size_t level = 0; level < device.caches.size(); level++) {
    const auto bytes = static_cast<double>(device.caches[level].bytes);
    Add(fmt::format("tile_over_cache{}", level + 1), tiled,
        [a, b, c, bytes](const LoopValues& v) { return Log2Ratio(a(v) + b(v) + c(v), bytes); });
  }
  if (device.caches.empty()) return;
  const auto first = static_cast<double>(device.caches.front().bytes);
  const auto last = static_cast<double>(device.caches.back().bytes);
  // What the micro-kernel streams again for each register tile of a sweep.
  Add("b_panel_over_cache1", {"vec", "reg_n"}, [first](const LoopValues& v) {
    return Log2Ratio(kFloatBytes * v.cols_reg * v.k_depth, first);
  });
  Add("c_tile_over_cache1", tiled, [=](const LoopValues& v) { return Log2Ratio(c(v), first); });
  Add("b_tile_over_last", tiled, [=](const LoopValues& v) { return Log2Ratio(b(v), last); });
  if (device.caches.size() < 2) return;
  const auto second = static_cast<double>(device.caches[1].bytes);
  Add("a_tile_over_cache2", tiled, [=](const LoopValues& v) { return Log2Ratio(a(v), second); });
}

void LoopFeatures::AddProductTasks(const Device& device) {
  auto trips_m = [e = extents_](const LoopValues& v) {
    return v.direct != 0 ? e.images * Trips(e.image_rows, v.rows * v.unit)
                         : Trips(e.rows, v.rows_tile);
  };
  auto trips_n = [e = extents_](const LoopValues& v) {
    return e.groups * Trips(e.cols, v.cols_tile);
  };
  auto tasks = [=](const LoopValues& v) {
    const double parts = std::max(1.0, v.k_split);
    if (v.parallel_loops == 0) return parts;
    const double outer = v.n_outer != 0 ? trips_n(v) : trips_m(v);
    return parts * Trips(v.parallel_loops == 1 ? outer : trips_m(v) * trips_n(v), v.grain);
  };
  Add("trips_m", {"reg_m", "tile_m"}, [=](const LoopValues& v) { return std::log2(trips_m(v)); });
  Add("trips_n", {"vec", "reg_n", "tile_n"},
      [=](const LoopValues& v) { return std::log2(trips_n(v)); });
  const auto known = {"vec", "reg_m", "reg_n", "tile_m", "tile_n", "parallel"};
  Add("tasks", known, [=](const LoopValues& v) { return std::log2(tasks(v)); });
  Add("imbalance", known, [tasks, cores = static_cast<double>(device.cores)](const LoopValues& v) {
    return Imbalance(tasks(v), cores);
  });
}

}  // namespace halyard
