// Loop features of attention.

#include "cost_model/loop_features.h"
#include "cost_model/loop_math.h"
#include "fmt/format.h"

namespace halyard {

void LoopFeatures::AddAttention(const Device& device) {
  const Extents e = extents_;
  const double lanes = device.lanes_f32(), registers = device.vector_registers;
  Add("s_accumulators", {"vec", "s_lane", "s_row"}, [lanes, registers](const LoopValues& v) {
    return v.s_lane * v.s_row * std::max(1.0, v.vec / lanes) / registers;
  });
  Add("o_accumulators", {"vec", "o_lane", "o_row"}, [lanes, registers](const LoopValues& v) {
    return v.o_lane * v.o_row * std::max(1.0, v.vec / lanes) / registers;
  });
  Add("s_fma_per_load", {"s_lane", "s_row"},
      [](const LoopValues& v) { return FmaPerLoad(v.s_row, v.s_lane); });
  Add("o_fma_per_load", {"o_lane", "o_row"},
      [](const LoopValues& v) { return FmaPerLoad(v.o_row, v.o_lane); });

  Add("waste.queries.m", {"m"}, [e](const LoopValues& v) { return Waste(e.queries, v.m); });
  const auto blocked = {"vec", "m", "l", "s_lane", "s_row", "form", "lanes"};
  Add("waste.keys.l", blocked, [e](const LoopValues& v) { return Waste(e.keys, v.chunk); });
  Add("waste.depth.o", {"vec", "o_lane", "o_row", "lanes"},
      [e](const LoopValues& v) { return Waste(e.head_dim, v.out_depth); });
  Add("chunks", blocked, [e](const LoopValues& v) { return std::log2(Trips(e.keys, v.chunk)); });

  for (size_t level = 0; level < device.caches.size(); level++) {
    const auto bytes = static_cast<double>(device.caches[level].bytes);
    Add(fmt::format("scores_over_cache{}", level + 1), blocked,
        [bytes](const LoopValues& v) { return Log2Ratio(kFloatBytes * v.m * v.chunk, bytes); });
    Add(fmt::format("kv_over_cache{}", level + 1), blocked, [e, bytes](const LoopValues& v) {
      return Log2Ratio(2 * kFloatBytes * e.head_dim * v.chunk, bytes);
    });
  }

  auto tasks = [e](const LoopValues& v) { return Trips(e.heads * Trips(e.queries, v.m), v.grain); };
  Add("tasks", {"m", "grain"}, [tasks](const LoopValues& v) { return std::log2(tasks(v)); });
  Add("imbalance", {"m", "grain"},
      [tasks, cores = static_cast<double>(device.cores)](const LoopValues& v) {
        return Imbalance(tasks(v), cores);
      });
}

}  // namespace halyard
