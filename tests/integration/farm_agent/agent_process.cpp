#include "tests/integration/farm_agent/agent_process.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "tests/conformance/sandbox_here.h"

namespace halyard {
namespace {

std::vector<std::string> CommandLine(const ScratchFolder& folder, const std::string& tracker,
                                     const std::string& boards,
                                     const std::vector<std::string>& more,
                                     const std::string& name) {
  std::ofstream(folder.Path("boards.json")) << boards;
  std::filesystem::create_directory(folder.Path("tmp"));
  std::vector<std::string> argv = {HALYARD_FARM_AGENT,         "--tracker", tracker, "--boards",
                                   folder.Path("boards.json"), "--name",    name,    "--cache",
                                   folder.Path("cache")};
  argv.insert(argv.end(), more.begin(), more.end());
  for (const std::string& flag : AgentFlags()) argv.push_back(flag);
  return argv;
}

std::vector<std::string> With(std::vector<std::string> variables, const std::string& one) {
  variables.push_back(one);
  return variables;
}

}  // namespace

AgentProcess::AgentProcess(const std::string& tracker, const std::string& boards,
                           const std::vector<std::string>& more, const std::string& name,
                           std::vector<std::string> variables)
    : LoggedProcess(CommandLine(folder, tracker, boards, more, name), folder.Path("log"),
                    With(std::move(variables), "TMPDIR=" + folder.Path("tmp"))) {}

std::vector<std::string> AgentProcess::TemporaryFiles() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(Path("tmp"))) {
    names.push_back(entry.path().filename());
  }
  return names;
}

}  // namespace halyard
