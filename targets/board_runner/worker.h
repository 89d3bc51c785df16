// The process that a kernel runs in. It knows the tensors' shapes and nothing of how the kernel is
// judged: neither the seed, nor the points that are looked at, nor where the reply goes.
#pragma once

namespace halyard {

// Serves the judge at the other end of descriptor kSharedFd until that kills it. Returns only where
// there is no judge.
int RunWorker();

}  // namespace halyard
