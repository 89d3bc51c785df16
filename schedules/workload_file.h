// Files that list workloads, one a line: `conv2d 1x56x56x64x64x3x3,pad=1  # x3`. What stands after
// a # is a comment; `# xN` says that a network has N layers of the workload.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "schedules/workload.h"

namespace halyard {

struct ListedWorkload {
  Workload workload;
  int count = 1;
};

// NotFound: no such file. InvalidArgument: a line that is no workload, or one that stands twice,
// named as file:line.
absl::StatusOr<std::vector<ListedWorkload>> ReadWorkloadFile(const std::string& path);

// The same of lines that stand elsewhere, which messages call `name`.
absl::StatusOr<std::vector<ListedWorkload>> ParseWorkloadLines(
    const std::vector<std::string>& lines, const std::string& name);

}  // namespace halyard
