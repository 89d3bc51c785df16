// The virtual board of a Linux device: which processor is emulated and what its instructions and
// memory accesses cost.
#pragma once

#include <string>
#include <vector>

#include "targets/json_fields.h"
#include "targets/virtual_board/board_model.h"

namespace halyard {

struct VirtualBoard {
  std::string qemu_cpu;  // -cpu argument of qemu-user
  BoardModel model;      // no clusters: the device has no virtual board

  // Of the first cluster's cores; 0 where there are none.
  double issue_width() const;
  // 128-bit loads a cycle.
  double simd_loads_per_cycle() const;
};

// Reads the object `virtual_board` of a device file. `clusters`: the device's kinds of cores, with
// the name of the core file of each (devices/cores/<name>.json) and the sizes of their caches; what
// the core files and this object say is added.
// InvalidArgument, NotFound: names the file and the field.
absl::Status ReadVirtualBoard(JsonFields fields, std::vector<ClusterModel> clusters,
                              VirtualBoard* board);

}  // namespace halyard
