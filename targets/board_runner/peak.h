// What the board's cores can do at best: the roof a kernel is judged against.
#pragma once

namespace halyard {

// f32 FMA rate of the widest SIMD of this CPU on `threads` threads, in GFLOP/s (an FMA is two).
double MeasureFmaGflops(int threads);

// Rate of copying memory on `threads` threads, in GB/s of bytes read plus bytes written.
// Throws std::bad_alloc where the buffers do not fit.
double MeasureCopyGbPerS(int threads);

}  // namespace halyard
