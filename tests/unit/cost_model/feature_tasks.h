// Tasks on a made-up device, for tests of features.
#pragma once

#include <string>

#include "absl/strings/str_join.h"
#include "schedules/task.h"

namespace halyard {

inline Device TestDevice() {
  Device device;
  device.id = "test";
  device.triplet = "x86_64-linux-gnu";
  device.cores = 4;
  device.vector_bytes = 32;
  device.vector_registers = 32;
  device.fma_per_cycle = 2;
  device.memory_bytes = int64_t{4} << 30;
  device.caches = {{32 << 10, 64, 1}, {1 << 20, 64, 1}};
  return device;
}

// `op:shape`, attributes that are not named at their defaults.
inline Task TaskOf(const std::string& workload, const Device& device = TestDevice()) {
  return MakeTask(ParseWorkload(workload + ":f32").value(), device);
}
inline Task GemmTask(const std::vector<int64_t>& shape, const Device& device = TestDevice()) {
  return TaskOf("gemm:" + absl::StrJoin(shape, "x"), device);
}

// The safe config with one knob after the other set to a value of its.
inline Config With(const Task& task,
                   std::initializer_list<std::pair<std::string, std::string>> set) {
  Config config = task.space.safe();
  const std::vector<Knob>& knobs = task.space.knobs();
  for (const auto& [name, text] : set) {
    for (size_t k = 0; k < knobs.size(); k++) {
      for (size_t v = 0; knobs[k].name == name && v < knobs[k].values.size(); v++) {
        if (knobs[k].text(static_cast<int>(v)) == text) config[k] = static_cast<int>(v);
      }
    }
  }
  return config;
}

}  // namespace halyard
