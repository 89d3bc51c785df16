// Dispatches to the subcommands; without one, tunes.

#include <cstdio>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "tuner/builder.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/listed_tasks.h"

int main(int argc, char** argv) {
  using namespace halyard;
  std::vector<std::string> args(argv + 1, argv + argc);
  const std::string command = args.empty() ? "" : args.front();
  const auto rest = [&] { return std::vector<std::string>(args.begin() + 1, args.end()); };
  try {
    if (command == "build-worker") return BuildWorkerMain();
    if (command == "explain") return ExplainCommand(rest());
    if (command == "farm") return FarmCommand(rest());
    if (command == "doctor") return DoctorCommand(rest());
    if (command == "log") return LogCommand(rest());
    if (command == "devices") return DevicesCommand(rest());
    if (command == "model") return ModelCommand(rest());
    if (command == "package") return PackageCommand(rest());
    if (command == "record") return RecordCommand(rest());
    if (command == "replay") return ReplayCommand(rest());
    if (command == "report") return ReportCommand(rest());
    if (command == "suite") return SuiteCommand(rest());
    if (!command.empty() && command[0] != '-') {
      return Fail(
          kExitUsage,
          fmt::format(
              "'{}' is not a command; give log, devices, doctor, explain, farm, model, package, "
              "record, replay, report, suite, or --op ... or --model net.onnx to tune (tune "
              "--help)",
              command));
    }
    if (const auto suite = NetworkArguments(args)) return SuiteCommand(*suite);
    return TuneCommand(args);
  } catch (const std::exception& e) {
    return Fail(kExitInfrastructure, fmt::format("unexpected error: {}", e.what()));
  }
}
