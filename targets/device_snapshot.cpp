#include "targets/device_snapshot.h"

namespace halyard {

using nlohmann::json;

json DeviceSnapshot(const Device& d) {
  json caches = json::array();
  for (const CacheLevel& c : d.caches) {
    caches.push_back(
        {{"bytes", c.bytes}, {"line_bytes", c.line_bytes}, {"shared_by_cores", c.shared_by_cores}});
  }
  return {{"id", d.id},
          {"description", d.description},
          {"halide_target", d.halide_target},
          {"triplet", d.triplet},
          {"cpu", d.cpu},
          {"cores", d.cores},
          {"vector_bytes", d.vector_bytes},
          {"vector_registers", d.vector_registers},
          {"fma_per_cycle", d.fma_per_cycle},
          {"clock_ghz", d.clock_ghz},
          {"copy_gb_per_s", d.copy_gb_per_s},
          {"memory_bytes", d.memory_bytes},
          {"stack_bytes", d.stack_bytes},
          {"caches", caches},
          {"board_kind", BoardKindName(d.board_kind())}};
}

Device DeviceFromSnapshot(const json& snapshot) {
  Device d;
  const auto read = [&](const char* name, auto& out) { snapshot.at(name).get_to(out); };
  read("id", d.id);
  read("description", d.description);
  read("halide_target", d.halide_target);
  read("triplet", d.triplet);
  read("cpu", d.cpu);
  read("cores", d.cores);
  read("vector_bytes", d.vector_bytes);
  read("vector_registers", d.vector_registers);
  read("fma_per_cycle", d.fma_per_cycle);
  read("clock_ghz", d.clock_ghz);
  read("copy_gb_per_s", d.copy_gb_per_s);
  read("memory_bytes", d.memory_bytes);
  read("stack_bytes", d.stack_bytes);
  for (const json& c : snapshot.at("caches")) {
    d.caches.push_back({c.at("bytes"), c.at("line_bytes"), c.at("shared_by_cores")});
  }
  const std::string kind = snapshot.at("board_kind");
  d.board.reach =
      kind == BoardKindName(BoardKind::kVirtual) ? BoardReach::kVirtual : BoardReach::kLocal;
  return d;
}

}  // namespace halyard
