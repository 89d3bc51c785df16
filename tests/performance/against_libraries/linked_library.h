// The library that a log's winners ship as, loaded into this process.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "contender.h"
#include "targets/device.h"

namespace halyard {

class LinkedLibrary {
 public:
  // Builds the library of the log into a temporary folder and loads it. NotFound: the log has no
  // schedule for the device.
  static absl::StatusOr<std::unique_ptr<LinkedLibrary>> Make(const Device& device,
                                                             const std::string& log_path);
  ~LinkedLibrary();

  bool IsTuned(const Workload& workload) const;
  // Calls the library's function; the library outlives the contender.
  Contender Bind(Problem& problem) const;

 private:
  LinkedLibrary() = default;
  void* Symbol(const std::string& name) const;

  std::string folder_, name_;
  void* library_ = nullptr;
};

}  // namespace halyard
