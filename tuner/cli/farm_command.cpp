// tune farm: the farm's commands, by name.

#include "tuner/cli/farm_command.h"

#include <algorithm>
#include <iostream>

#include "fmt/format.h"
#include "tuner/cli/cli.h"

namespace halyard {
namespace {

struct FarmSubcommand {
  const char* name;
  int (*run)(const std::vector<std::string>& args);
  const char* help;
};

// In the order in which a farm is set up.
constexpr FarmSubcommand kSubcommands[] = {
    {"init", FarmInitCommand, "make the farm's certificates: authority, tracker, admin"},
    {"enroll", FarmEnrollCommand, "make a certificate for a client, an agent or an admin"},
    {"revoke", FarmRevokeCommand, "take somebody's certificates back"},
    {"list", FarmListCommand, "the certificates that were made"},
    {"up", FarmUpCommand, "a tracker and an agent for this machine's boards, until Ctrl-C"},
    {"status", FarmStatusCommand, "boards, leases, health, and who waits for what"},
    {"drain", FarmDrainCommand, "let a board finish its run and give it no other"},
    {"quarantine", FarmQuarantineCommand, "stop a board's run and hold the board"},
    {"release", FarmReleaseCommand, "give a drained or quarantined board work again"},
};

std::string Names() {
  std::string names;
  for (const FarmSubcommand& c : kSubcommands) {
    if (!names.empty()) names += ", ";
    names += c.name;
  }
  return names;
}

void PrintHelp() {
  std::cout << "tune farm COMMAND [options]; tune farm COMMAND --help lists a command's options\n";
  for (const FarmSubcommand& c : kSubcommands) fmt::print("  {:<12}{}\n", c.name, c.help);
}

}  // namespace

int FarmCommand(const std::vector<std::string>& args) {
  if (args.empty()) {
    return Fail(kExitUsage, fmt::format("tune farm is missing which; give {}", Names()));
  }
  if (args.front() == "--help" || args.front() == "-h") {
    PrintHelp();
    return kExitDone;
  }
  const auto* found = std::find_if(std::begin(kSubcommands), std::end(kSubcommands),
                                   [&](const auto& c) { return args.front() == c.name; });
  if (found == std::end(kSubcommands)) {
    return Fail(kExitUsage,
                fmt::format("'farm {}' is not a command; give {}", args.front(), Names()));
  }
  return found->run({args.begin() + 1, args.end()});
}

}  // namespace halyard
