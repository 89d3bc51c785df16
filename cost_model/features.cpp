#include "cost_model/features.h"

#include <algorithm>
#include <cmath>

#include "fmt/format.h"

namespace halyard {

FeatureExtractor::FeatureExtractor(const Task& task) : loop_(task) {
  const std::vector<std::string> dims =
      task.op != nullptr ? task.op->dim_names() : std::vector<std::string>{};
  for (size_t i = 0; i < task.workload.shape.size(); i++) {
    const std::string dim = i < dims.size() ? dims[i] : fmt::format("dim{}", i);
    AddConstant("dim." + dim + ".log2", std::log2(static_cast<double>(task.workload.shape[i])));
  }
  for (const auto& [name, value] : task.workload.attributes) {
    AddConstant("attr." + name, static_cast<double>(value));
  }
  const Device& device = task.device;
  AddConstant("device.lanes_f32", device.lanes_f32());
  AddConstant("device.vector_registers", device.vector_registers);
  AddConstant("device.cores", device.cores);
  AddConstant("device.fma_per_cycle", device.fma_per_cycle);
  for (size_t level = 0; level < device.caches.size(); level++) {
    AddConstant(fmt::format("device.cache{}.log2_bytes", level + 1),
                std::log2(static_cast<double>(std::max<int64_t>(1, device.caches[level].bytes))));
  }
  for (const Knob& knob : task.space.knobs()) AddKnob(knob);
  names_.insert(names_.end(), loop_.names().begin(), loop_.names().end());
}

void FeatureExtractor::AddConstant(std::string name, double value) {
  names_.push_back(std::move(name));
  constants_.push_back(static_cast<float>(value));
}

void FeatureExtractor::AddKnob(const Knob& knob) {
  const size_t choices = knob.values.size();
  KnobColumns columns;
  if (knob.categorical()) {
    for (const std::string& label : knob.labels) {
      names_.push_back("knob." + knob.name + "=" + label);
    }
    columns.width = choices;
    columns.table.assign(choices * choices, 0.0f);
    for (size_t c = 0; c < choices; c++) columns.table[c * choices + c] = 1.0f;
  } else {
    names_.push_back("knob." + knob.name + ".log2");
    names_.push_back("knob." + knob.name + ".position");
    columns.width = 2;
    const double last = std::max<double>(1, static_cast<double>(choices) - 1);
    for (size_t c = 0; c < choices; c++) {
      const double size = std::max<double>(0, static_cast<double>(knob.values[c]));
      columns.table.push_back(static_cast<float>(std::log2(1 + size)));
      columns.table.push_back(static_cast<float>(static_cast<double>(c) / last));
    }
  }
  knobs_.push_back(std::move(columns));
}

void FeatureExtractor::Row(const Config& config, float* out) const {
  out = std::copy(constants_.begin(), constants_.end(), out);
  for (size_t k = 0; k < knobs_.size(); k++) {
    const float* row = knobs_[k].table.data() + knobs_[k].width * static_cast<size_t>(config[k]);
    out = std::copy_n(row, knobs_[k].width, out);
  }
  loop_.Write(config, out);
}

FeatureMatrix FeatureExtractor::Matrix(std::span<const Config> configs) const {
  FeatureMatrix matrix;
  matrix.columns = columns();
  matrix.values.resize(configs.size() * columns());
  const auto rows = static_cast<int64_t>(configs.size());
  // Below some hundred rows starting the threads costs more than the rows do.
#pragma omp parallel for schedule(static) if (rows > 512)
  for (int64_t r = 0; r < rows; r++) {
    Row(configs[r], matrix.values.data() + static_cast<size_t>(r) * matrix.columns);
  }
  return matrix;
}

}  // namespace halyard
