// A small spec and records, made by hand.
#pragma once

#include "schedules/task.h"
#include "tuner/library/library_builder.h"

namespace halyard {

inline Variant HandMadeVariant(const std::string& workload, const Device& device, int64_t id) {
  const Task task = MakeTask(ParseWorkload(workload).value(), device);
  Record r;
  r.id = id;
  r.workload = task.workload.ToText();
  r.config = task.space.ToText(task.space.safe());
  r.space_version = task.space.version();
  r.device = device.id;
  r.board_kind = device.board_kind();
  r.unit = "virtual_cycles";
  r.samples = {3, 1, 2};
  r.outcome = Outcome::kOk;
  return {r, task.workload};
}

inline LibrarySpec HandMadeSpec() {
  LibrarySpec spec{LoadDevice("rpi4").value(), "tuned_rpi4", {}, "out/rpi4", "abc"};
  spec.variants = {HandMadeVariant("gemm:128x16x16:f32", spec.device, 1),
                   HandMadeVariant("gemm:16x16x16:f32", spec.device, 2),
                   HandMadeVariant("softmax:8x8:f32", spec.device, 3)};
  return spec;
}

}  // namespace halyard
