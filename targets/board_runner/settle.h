// Gets a kernel's threads onto cores of their own ahead of a sample.
#pragma once

namespace halyard {

// Watches the parallel loops of kernels from now on, of which at most `threads` run at a time.
void WatchParallelLoops(int threads);

// Where kernels have had parallel loops: returns when as many threads as there are cores for them
// meet at once, twice in a row, or after some milliseconds. A scheduler that finds a thread's last
// core taken, be it for microseconds by a judge who lies down, wakes it on another's core, where it
// waits for its turn until the load is balanced: milliseconds, which are a sample.
void SettleThreads();

}  // namespace halyard
