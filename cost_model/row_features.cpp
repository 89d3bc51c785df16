// Loop features of an operator on independent rows.

#include "cost_model/loop_features.h"
#include "cost_model/loop_math.h"
#include "fmt/format.h"

namespace halyard {

void LoopFeatures::AddRows(const Device& device) {
  const Extents e = extents_;
  const double lanes = device.lanes_f32(), registers = device.vector_registers;
  Add("accumulators", {"vec", "partials"}, [lanes, registers](const LoopValues& v) {
    return v.partials * std::max(1.0, v.vec / lanes) / registers;
  });
  Add("waste.columns.vec", {"vec"}, [e](const LoopValues& v) { return Waste(e.length, v.vec); });
  Add("waste.columns.step", {"vec", "partials"},
      [e](const LoopValues& v) { return Waste(e.length, v.vec * v.partials); });
  Add("waste.rows.block", {"block"},
      [e](const LoopValues& v) { return Waste(e.vectors, v.block); });
  for (size_t level = 0; level < device.caches.size(); level++) {
    const auto bytes = static_cast<double>(device.caches[level].bytes);
    Add(fmt::format("rows_over_cache{}", level + 1), {"block"}, [e, bytes](const LoopValues& v) {
      return Log2Ratio(kFloatBytes * v.block * e.length, bytes);
    });
  }
  auto tasks = [e](const LoopValues& v) {
    return v.parallel_loops == 0 ? 1.0 : Trips(Trips(e.vectors, v.block), v.grain);
  };
  Add("tasks", {"block", "grain", "parallel"},
      [tasks](const LoopValues& v) { return std::log2(tasks(v)); });
  Add("imbalance", {"block", "grain", "parallel"},
      [tasks, cores = static_cast<double>(device.cores)](const LoopValues& v) {
        return Imbalance(tasks(v), cores);
      });
}

}  // namespace halyard
