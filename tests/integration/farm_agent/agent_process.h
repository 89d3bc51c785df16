// The real farm_agent as a process, with a folder of its own.
#pragma once

#include <string>
#include <vector>

#include "tests/conformance/scratch_folder.h"
#include "tests/integration/farm_agent/logged_process.h"

namespace halyard {

// First of the bases: it outlives the process.
struct AgentFolder {
  ScratchFolder folder;
};

class AgentProcess : private AgentFolder, public LoggedProcess {
 public:
  // `boards`: the text of its boards file. `variables` as of LoggedProcess.
  AgentProcess(const std::string& tracker, const std::string& boards,
               const std::vector<std::string>& more = {}, const std::string& name = "test-agent",
               std::vector<std::string> variables = {});

  // Files left in the folder that it takes for temporary ones.
  std::vector<std::string> TemporaryFiles() const;
  std::string Path(const std::string& name) const { return folder.Path(name); }
};

}  // namespace halyard
