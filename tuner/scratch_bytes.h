// How much memory a kernel asks its runtime for, from the code Halide lowers it to.
#pragma once

#include <Halide.h>

#include "tuner/builder.h"

namespace halyard {

// The most that a function of the module holds at once, what the runtime puts before each block
// included: no less than what a run of it reaches, and more only where a buffer's size or lifetime
// is known no better than by bounds. None where a buffer has no bound that is known ahead.
std::optional<ScratchBytes> ScratchOf(const Halide::Module& module);

}  // namespace halyard
