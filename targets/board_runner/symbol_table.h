// The functions an artifact may call: the Halide runtime linked into the runner, memory and string
// primitives, and libm. Anything else is an undefined symbol and the artifact is refused.
#pragma once

#include <string>

namespace halyard {

// Exit code of a runner that could not get memory, for itself or for the kernel.
inline constexpr int kExitOutOfMemory = 77;

void* ResolveSymbol(const std::string& name);  // nullptr: not allowed

}  // namespace halyard
