// Which records of a log are of a device or a task as it is now.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "logs/measurement_log.h"
#include "schedules/task.h"

namespace halyard {

// Record::protocol of what is measured now: what a sample means. To be raised where the timing of a
// board, or the model that a virtual one counts cycles by, comes to mean something else; records of
// another protocol are then neither resumed nor learned from.
constexpr int SampleProtocol(BoardKind kind) { return kind == BoardKind::kVirtual ? 3 : 2; }

// Record::compiler of what `compiler` (Builder::compiler) builds for the device.
std::string RecordedCompiler(const std::string& compiler, const Device& device);

// Of the device's id, unit and hardware.
RecordFilter RecordsOfDevice(const Device& device);

// Of the workload on the device, too, and of the version its space has now.
RecordFilter RecordsOfTask(const Task& task);

// One line on records that go by the device's id and are of other hardware, as after its file was
// changed: how many, and what differs. "": there are none.
absl::StatusOr<std::string> OtherHardwareNote(const MeasurementLog& log, const Device& device);

}  // namespace halyard
