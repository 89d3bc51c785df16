// tune farm <command>: one function a command, each in the file of its kind.
#pragma once

#include <string>
#include <vector>

namespace halyard {

// Each takes the arguments after its name and returns the process's exit code. Below: certificates;
// none of these uses the network.
int FarmInitCommand(const std::vector<std::string>& args);
int FarmEnrollCommand(const std::vector<std::string>& args);
int FarmRevokeCommand(const std::vector<std::string>& args);
int FarmListCommand(const std::vector<std::string>& args);

// A tracker and an agent on this machine, until it is told to end.
int FarmUpCommand(const std::vector<std::string>& args);

// What a farm is at, and its operators' orders.
int FarmStatusCommand(const std::vector<std::string>& args);
int FarmDrainCommand(const std::vector<std::string>& args);
int FarmQuarantineCommand(const std::vector<std::string>& args);
int FarmReleaseCommand(const std::vector<std::string>& args);

}  // namespace halyard
