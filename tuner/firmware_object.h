// Compiles pipelines for a device without an operating system: no threads, no heap, the device's
// own back end of LLVM.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

#include "targets/device.h"

namespace halyard {

// Writes `object` with the functions `symbol` and `<symbol>_argv`, whose first argument is the user
// context, a halyard_workspace; gives how many bytes of that the function uses at most. All loops
// are serial. Throws std::runtime_error: a scratch buffer's size is not known ahead, or llc-14
// failed. Throws Halide's errors.
int64_t CompileFirmwareObject(Halide::Func output, const std::vector<Halide::Argument>& arguments,
                              const std::string& symbol, const Device& device,
                              const std::string& object);

// Links objects into one that is still relocatable, with an absolute symbol a name of `values`.
// Throws std::runtime_error: what the tool said.
void LinkRelocatable(const std::vector<std::string>& objects,
                     const std::vector<std::pair<std::string, int64_t>>& values,
                     const std::string& out);

}  // namespace halyard
