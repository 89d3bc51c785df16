#include "targets/cycle_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <sstream>

#include "targets/device.h"
#include "targets/device_file.h"
#include "targets/virtual_board/block_simulation.h"

namespace halyard {
namespace {

using nlohmann::json;

void ReadTiming(JsonFields& classes, const std::string& name, const json& value,
                std::map<std::string, ClassTiming>* timings) {
  ClassTiming timing;
  JsonFields fields(value, classes.file(), "classes." + name + ".");
  fields.PositiveNumber("latency", &timing.latency);
  fields.OptionalNumber("accumulate", &timing.accumulate);
  fields.OptionalInt("uops", &timing.uops);
  fields.OptionalInt("quad_uops", &timing.quad_uops);
  fields.OptionalNumber("busy", &timing.busy);
  fields.OptionalText("pipes", &timing.pipes);  // none: it takes no more than its place
  fields.OptionalText("also", &timing.also);
  classes.Take(fields.Finish());
  (*timings)[name] = timing;
}

absl::Status ReadCore(const std::string& name, CoreModel* core) {
  const std::string path = DataPath("devices/cores/" + name + ".json");
  const auto root = ReadDeviceJson(path);
  if (!root.ok()) return root.status();
  JsonFields fields(root->root, path, "");
  fields.Note("sources");
  fields.Text("name", &core->name);
  fields.OptionalBool("in_order", &core->in_order);
  fields.PositiveNumber("dispatch_width", &core->dispatch_width);
  fields.OptionalBool("whole_instructions", &core->whole_instructions);
  fields.PositiveInt("window", &core->window);
  fields.Text("pipes", &core->pipes);
  fields.PositiveInt("tlb_entries", &core->tlb_entries);
  fields.PositiveNumber("walk_cycles", &core->walk_cycles);
  if (const json* classes = fields.Required("classes"); classes != nullptr) {
    if (!classes->is_object()) {
      fields.Fail("classes", "must be an object");
    } else {
      for (const auto& [name_of_class, timing] : classes->items()) {
        ReadTiming(fields, name_of_class, timing, &core->classes);
      }
    }
  }
  if (absl::Status status = fields.Finish(); !status.ok()) return status;
  std::string error;
  if (!Core().Set(*core, &error)) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", path, error));
  }
  return absl::OkStatus();
}

// What a level's sizes in the device file do not say, of all clusters alike.
void ReadCaches(JsonFields& fields, std::vector<ClusterModel>* clusters) {
  const json* list = fields.Required("caches");
  if (list == nullptr) return;
  const size_t levels = (*clusters)[0].caches.size();
  if (!list->is_array() || list->size() != levels) {
    return fields.Fail("caches", fmt::format("must be a list of the device's {} levels", levels));
  }
  for (size_t l = 0; l < levels; ++l) {
    CacheModel level;
    JsonFields one((*list)[l], fields.file(), fields.FieldName(fmt::format("caches[{}].", l)));
    one.PositiveInt("ways", &level.ways);
    one.PositiveNumber("latency", &level.latency);
    one.PositiveNumber("bytes_per_cycle", &level.bytes_per_cycle);
    fields.Take(one.Finish());
    for (ClusterModel& cluster : *clusters) {
      CacheModel& cache = cluster.caches[l];
      cache.ways = level.ways;
      cache.latency = level.latency;
      cache.bytes_per_cycle = level.bytes_per_cycle;
    }
  }
}

}  // namespace

absl::Status ReadVirtualBoard(JsonFields fields, std::vector<ClusterModel> clusters,
                              VirtualBoard* board) {
  fields.Text("qemu_cpu", &board->qemu_cpu);
  std::string core;
  // Where there is one kind of cores; of several, each cluster names its own.
  fields.OptionalText("core", &core);
  for (ClusterModel& cluster : clusters) {
    if (cluster.core.name.empty()) cluster.core.name = core;
    if (cluster.core.name.empty()) {
      fields.Fail("core", "is missing");
    } else {
      fields.Take(ReadCore(std::string(cluster.core.name), &cluster.core));
    }
  }
  if (!clusters.empty()) ReadCaches(fields, &clusters);
  if (const json* memory = fields.Required("memory"); memory != nullptr) {
    JsonFields m(*memory, fields.file(), fields.FieldName("memory."));
    m.PositiveNumber("latency_ns", &board->model.memory_latency_ns);
    m.PositiveNumber("gb_per_s", &board->model.memory_gb_per_s);
    m.PositiveNumber("core_gb_per_s", &board->model.memory_core_gb_per_s);
    fields.Take(m.Finish());
  }
  board->model.clusters = std::move(clusters);
  return fields.Finish();
}

double VirtualBoard::issue_width() const {
  return model.clusters.empty() ? 0 : model.clusters[0].core.dispatch_width;
}

double VirtualBoard::simd_loads_per_cycle() const {
  if (model.clusters.empty()) return 0;
  const auto found = model.clusters[0].core.classes.find("simd_load");
  if (found == model.clusters[0].core.classes.end()) return 0;
  std::istringstream pipes(found->second.pipes);
  const auto n = std::distance(std::istream_iterator<std::string>(pipes),
                               std::istream_iterator<std::string>());
  return static_cast<double>(n) / found->second.busy / found->second.uops;
}

}  // namespace halyard
