// Processes below a process, however they were started: what a run may leave behind is killed by
// ancestry, because a session or process group is left with one system call.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace halyard {

// Children, their children and so on, zombies left out; of this moment.
std::vector<pid_t> DescendantsOf(pid_t ancestor);

// Those of them that are its own children, zombies included.
std::vector<pid_t> ChildrenOf(pid_t parent);

// Kills what is below this process until nothing is, or `limit` has passed; false: something was
// left. Complete where this process is a subreaper (prctl(2)): what loses its parent comes to it.
bool KillDescendants(std::chrono::milliseconds limit);

}  // namespace halyard
