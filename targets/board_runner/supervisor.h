// The board's side of a link: keeps a run to its limits where the tuner's own hands do not reach.
#pragma once

#include <string>

namespace halyard {

// Reads a Supervision from descriptor 3, runs it in a process of this same program and prints a
// SupervisedRun. The run dies with this process, and when stdin ends: then nobody waits for it.
// Returns the exit code.
int Supervise(const std::string& sys_root);

// Prints the board's BoardFacts.
int PrintFacts(const std::string& sys_root);

// N of "Thermal Status: N" in what `dumpsys thermalservice` prints; -1 where it is not there.
int ThermalStatusOf(const std::string& dumpsys);

}  // namespace halyard
