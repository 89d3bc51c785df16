// Halide's Adams2019 autoscheduler on the operators' plain algorithms: what Halide gives without a
// search on the machine.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "contender.h"
#include "rpc_farm/executor.h"
#include "tuner/builder.h"

namespace halyard {

class Adams2019 {
 public:
  // Builds and loads what its kernels run on: the runtime, threads and scratch of the shipped
  // library, so that a ratio is one of schedules. `executor`: of the device, outlives this.
  static absl::StatusOr<std::unique_ptr<Adams2019>> Make(const Device& device, Executor& executor);

  // Adds its kernel, built now in up to two minutes, and run once in a process of its own. "" or
  // the outcome's name where there is none, such as build_error where the autoscheduler aborts.
  std::string Add(Problem& problem, std::vector<Contender>& contenders);

 private:
  Adams2019(const Device& device, Executor& executor, std::unique_ptr<Builder> builder)
      : device_(device), executor_(executor), builder_(std::move(builder)) {}

  const Device device_;
  Executor& executor_;
  const std::unique_ptr<Builder> builder_;
};

}  // namespace halyard
