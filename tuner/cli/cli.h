// What the subcommands share.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace halyard {

enum ExitCode { kExitDone = 0, kExitUsage = 2, kExitNothingValid = 3, kExitInfrastructure = 4 };

// Prints one line, "tune: <message>", and returns the code.
int Fail(ExitCode code, const std::string& message);
// The code a status stands for: what the user named wrongly is usage, the rest infrastructure.
int Fail(const absl::Status& status);

// "90s", "10m", "2h", "1h30m" or plain seconds. InvalidArgument says what would be right.
absl::StatusOr<double> ParseDuration(const std::string& text);

// InvalidArgument unless files can be made in `dir` or, where it does not exist, in its nearest
// existing ancestor. Leaves nothing behind.
absl::Status CheckWritableFolder(const std::string& dir);

// From now on the first Ctrl-C (or SIGTERM) sets the flag that is returned, so that the candidate
// at hand is finished and nothing is lost; the second ends the program.
const std::atomic<bool>& CatchInterrupts();

// Each takes the arguments after its name and returns the process's exit code.
int TuneCommand(const std::vector<std::string>& args);
int DoctorCommand(const std::vector<std::string>& args);
int ExplainCommand(const std::vector<std::string>& args);
int FarmCommand(const std::vector<std::string>& args);
int LogCommand(const std::vector<std::string>& args);
int DevicesCommand(const std::vector<std::string>& args);
int ModelCommand(const std::vector<std::string>& args);
int PackageCommand(const std::vector<std::string>& args);
int RecordCommand(const std::vector<std::string>& args);
int ReplayCommand(const std::vector<std::string>& args);
int ReportCommand(const std::vector<std::string>& args);
int SuiteCommand(const std::vector<std::string>& args);
// tune replay --together and tune replay --stops; `args` with that option.
int TogetherCommand(const std::vector<std::string>& args);
int StopsCommand(const std::vector<std::string>& args);

}  // namespace halyard
