// Reads measurement logs as training data for a cost model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cost_model/dataset.h"
#include "logs/recorded_space.h"
#include "schedules/task.h"

namespace halyard {

struct ModelData {
  // A task is a workload on one hardware in one unit; its configs are different ones.
  std::vector<std::unique_ptr<Task>> owned;
  std::vector<MeasuredTask> tasks;  // point into `owned`

  int64_t records = 0;  // taken, those of recorded spaces included
  // Left out, by reason.
  int64_t other_phase = 0;     // of finals
  int64_t other_protocol = 0;  // measured otherwise than today (SampleProtocol)
  int64_t infrastructure = 0;  // losses that say nothing of the config
  int64_t older_space = 0;     // of an older version of the task's space
  int64_t unreadable = 0;      // workload, device or config that this program does not know
};

// Screening records of all logs together: of each task those of its newest space version in any of
// them. A config measured several times counts once, with the median of all samples. A device that
// was other hardware is another task; its figures are those of this program's device file where
// that is the same hardware, otherwise as they were recorded. Errors are those of OpenSqliteLog.
absl::StatusOr<ModelData> LoadModelData(const std::vector<std::string>& logs);

// Adds recorded spaces, each as a task of its own, also beside the same task of a log. Errors are
// those of ReadRecordedSpace and BindRecordedSpace.
absl::Status AddRecordedSpaces(const std::vector<std::string>& files, ModelData& data);

// The results of a recorded space as training data; points to its task.
MeasuredTask MeasuredTaskOf(const RecordedTask& space);

}  // namespace halyard
