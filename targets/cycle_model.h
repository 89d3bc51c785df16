// The virtual board of a Linux device: which processor is emulated and what its instructions cost.
#pragma once

#include <map>
#include <string>

#include "targets/json_fields.h"

namespace halyard {

// Issue model of a virtual board: a basic block costs the largest, over the ports and the front
// end, of (instructions of the classes the port serves) / (instructions per cycle it takes).
struct VirtualBoard {
  std::string qemu_cpu;                     // -cpu argument of qemu-aarch64
  double issue_width = 0;                   // instructions per cycle, front end
  std::map<std::string, double> per_cycle;  // instruction class -> instructions per cycle
};

// Reads the object `virtual_board` of a device file.
absl::Status ReadVirtualBoard(JsonFields fields, VirtualBoard* board);

}  // namespace halyard
