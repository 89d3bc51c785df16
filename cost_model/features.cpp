#include "cost_model/features.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cost_model/attention_features.h"
#include "cost_model/product_features.h"

namespace halyard {
namespace {

std::unique_ptr<OperatorFeatures> OperatorOf(const Task& task) {
  if (task.op == nullptr) return nullptr;
  for (auto make : {MakeProductFeatures, MakeAttentionFeatures, MakeRowFeatures}) {
    if (auto features = make(task)) return features;
  }
  return nullptr;
}

}  // namespace

uint64_t FeatureSchemaHash() {
  uint64_t hash = 0xcbf29ce484222325;
  auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  add(std::to_string(kFeatureVersion));
  for (const FeatureColumn& column : kFeatureColumns) add(column.name);
  return hash;
}

FeatureExtractor::FeatureExtractor(const Task& task)
    : knobs_(task.space.knobs()),
      operator_(OperatorOf(task)),
      constants_(kFeatureCount, std::numeric_limits<float>::quiet_NaN()),
      errors_(kFeatureCount) {
  const Machine machine(task.device);
  FeatureRow row{constants_.data()};
  row.Set(kDeviceLanes, machine.lanes);
  row.Set(kDeviceRegisters, machine.registers);
  row.Set(kDeviceCores, machine.cores);
  row.Set(kDeviceFmas, machine.fma_per_cycle);
  if (machine.levels > 1) device_applies_ |= kLevel2;
  if (machine.levels > 2) device_applies_ |= kLevel3;
  for (size_t i = 0; i < std::min(kOtherKnobs, knobs_.unknown().size()); i++) {
    device_applies_ |= kOther1 << i;
  }
  if (operator_ == nullptr) return;
  const TaskBound bound(task, machine);
  const double peak = 2 * machine.lanes * machine.fma_per_cycle * machine.cores;
  const double last = machine.levels == 0 ? 1 : machine.bytes_per_cycle[machine.levels - 1];
  row.Set(kTaskRoofline, Log2(bound.cycles));
  row.Set(kTaskIntensity, Log2(bound.flops / bound.bytes / (peak / (last * machine.cores))));
  row.Set(kTaskBytesL1, Log2(bound.bytes / machine.bytes[0]));
  row.Set(kTaskBytesLast, Log2(bound.bytes / machine.last_level_bytes()));
}

void FeatureExtractor::Row(const Config& config, float* out) const {
  std::copy(constants_.begin(), constants_.end(), out);
  FeatureRow row{out, device_applies_};
  const auto& unknown = knobs_.unknown();
  for (size_t i = 0; i < std::min(kOtherKnobs, unknown.size()); i++) {
    row.Set(static_cast<Feature>(kOtherKnob1 + i), config[unknown[i].knob] / unknown[i].last);
  }
  if (operator_ != nullptr) operator_->Write(knobs_.Read(config), row);
  rows_.fetch_add(1, std::memory_order_relaxed);
  for (size_t i = 0; i < kFeatureCount; i++) {
    const bool applies = (kFeatureColumns[i].needs & ~row.applies) == 0;
    if (applies == std::isfinite(out[i])) continue;
    // Neither an infinity nor a value where none belongs reaches a model.
    out[i] = std::numeric_limits<float>::quiet_NaN();
    if (applies) errors_[i].fetch_add(1, std::memory_order_relaxed);
  }
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

std::vector<FeatureError> FeatureExtractor::errors() const {
  std::vector<FeatureError> found;
  const int64_t rows = rows_.load();
  for (const KnobReader::Unknown& u : knobs_.unknown()) {
    if (rows > 0) found.push_back({"knob " + u.name, rows});
  }
  for (size_t i = 0; i < kFeatureCount; i++) {
    const int64_t count = errors_[i].load();
    if (count > 0) found.push_back({std::string(kFeatureColumns[i].name), count});
  }
  return found;
}

}  // namespace halyard
