// A task: one workload on one device, with its schedule space.
#pragma once

#include <memory>
#include <string>

#include "schedules/operator.h"
#include "schedules/schedule_space.h"
#include "schedules/workload.h"
#include "targets/device.h"

namespace halyard {

struct Task {
  Workload workload;
  Device device;
  const Operator* op;  // not owned, lives as long as the program
  ScheduleSpace space;

  // What records of this task are found by: "<workload>@<device>".
  std::string key() const { return workload.ToText() + "@" + device.id; }
};

inline Task MakeTask(const Workload& workload, const Device& device) {
  const Operator* op = FindOperator(workload.op);
  return Task{workload, device, op, ScheduleSpace(op->Space(workload, device))};
}

}  // namespace halyard
